"""A program that loads settings and watches them, and says each thing on a line of JSON.

`python reporter.py PATH [UID]`: with UID it gives its privileges up first, so that modes of files count
even where the tests run as root.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import anyio._backends._asyncio  # noqa: F401
import watchfiles  # noqa: F401

from console.errors import SettingsError
from console.settings.load import Loaded, load
from console.settings.reload import watch


def say(kind: str, what: object) -> None:
    print(json.dumps({"kind": kind, "what": what}), flush=True)


async def on_good(loaded: Loaded) -> None:
    say("good", loaded.settings.ui.theme)


async def main(path: Path) -> None:
    try:
        loaded = load(path, environ={})
    except SettingsError as error:
        say("refused", str(error))
        return
    say("loaded", loaded.settings.ui.theme)
    await watch(loaded, on_good, lambda fault: say("bad", fault))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        # All code is loaded before: the interpreter's own folder may be closed to others.
        asyncio.run(asyncio.to_thread(load, environ={"HOME": "/nonexistent"}))
        uid = int(sys.argv[2])
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    asyncio.run(main(Path(sys.argv[1])))
