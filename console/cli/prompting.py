"""Questions on the terminal: a login's, and our own before something is done."""

from __future__ import annotations

import asyncio
import getpass
import sys
from typing import TYPE_CHECKING

from console.errors import Refused

if TYPE_CHECKING:
    from console.channels.prompt import Prompt


class TerminalPrompter:
    """Asks for passphrases, passwords and codes; what is typed is shown only where the server says so."""

    async def ask(self, prompt: Prompt) -> str | None:
        """The answer, or None at the end of the input."""
        return await asyncio.to_thread(_ask, prompt)


def _ask(prompt: Prompt) -> str | None:
    sys.stderr.write(f"{prompt.node}: {prompt.title}\n")
    try:
        if not prompt.echo:
            return getpass.getpass(f"{prompt.text} ".lstrip())
        sys.stderr.write(f"{prompt.text} ")
        sys.stderr.flush()
        line = sys.stdin.readline()
    except EOFError:
        return None
    return line.rstrip("\n") if line else None


def confirm(question: str, wanted: str = "y", without: str = "--yes") -> None:
    """Asks on the terminal; raises Refused unless the answer is `wanted`, or where nobody can be asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused(
            f"not done: it needs a confirmation, and this is no terminal; {without} gives it"
        )
    sys.stderr.write(f"{question} [{wanted}/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() != wanted.lower():
        raise Refused("not done: not confirmed")
