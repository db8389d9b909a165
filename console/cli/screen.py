"""`quarterdeck [HOST…]`: opens the console. The only file here that knows the screen, and only when it opens."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from importlib import import_module

from console.cli import exits
from console.cli.connect import filter_of, runtime_of
from console.cli.output import complain
from console.errors import UsageError


def run(options: Namespace) -> int:
    """Runs the screen until it is left."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the console needs a terminal; `quarterdeck status` prints the same to a pipe"
        )
    return asyncio.run(_screen(options, filter_of(options).text))


async def _screen(options: Namespace, first_filter: str) -> int:
    from console.ui.prompter import ScreenPrompter

    async with runtime_of(options, options.hosts, ScreenPrompter()) as runtime:
        # Textual takes longest to load: it loads while the nodes are being reached.
        await asyncio.to_thread(import_module, "console.ui.app")
        from console.ui.app import QuarterdeckApp

        app = QuarterdeckApp(
            runtime,
            ascii_only=getattr(options, "ascii", False),
            theme=getattr(options, "theme", None),
            note="demo" if getattr(options, "demo", False) else "",
            first_filter=first_filter,
        )
        code = await app.run_async(mouse=runtime.settings.ui.mouse)
    if app.last_words:
        complain(app.last_words)
    return (app.return_code or exits.DONE) if code is None else code
