"""Questions on the terminal: a login's, and our own before something is done."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
from typing import TYPE_CHECKING

from console.errors import Refused

if TYPE_CHECKING:
    from console.channels.prompt import Prompt

_LONGEST = 4096


class TerminalPrompter:
    """Asks for passphrases, passwords and codes; what is typed is shown only where the server says so."""

    def __init__(self) -> None:
        self.asking = False

    async def ask(self, prompt: Prompt) -> str | None:
        """The answer, or None at the end of the input."""
        self.asking = True
        try:
            return await read_line(f"{prompt.node}: {prompt.title}\n{prompt.text} ", prompt.echo)
        finally:
            self.asking = False


async def confirm(question: str, wanted: str = "y", without: str = "--yes") -> None:
    """Asks on the terminal; raises Refused unless the answer is `wanted`, or where nobody can be asked."""
    if not can_ask():
        raise Refused(
            f"not done: it needs a confirmation, and this is no terminal; {without} gives it"
        )
    answer = await read_line(f"{question} [{wanted}/N] ", True)
    if (answer or "").strip().lower() != wanted.lower():
        raise Refused("not done: not confirmed")


def can_ask() -> bool:
    """True where a person sits at a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


async def read_line(question: str, echo: bool) -> str | None:
    """One line from the terminal; None at its end. Read in the loop and not in a thread, so that Ctrl-C
    ends it at once and the terminal echoes again."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()
    # The device by its own name: kqueue cannot wait for /dev/tty.
    terminal = os.open(os.ttyname(sys.stdin.fileno()), os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    before = termios.tcgetattr(terminal)

    def readable() -> None:
        if not answer.done():
            answer.set_result(os.read(terminal, _LONGEST))

    try:
        if not echo:
            silent = list(before)
            silent[3] &= ~termios.ECHO
            termios.tcsetattr(terminal, termios.TCSAFLUSH, silent)
        os.write(terminal, question.encode(errors="replace"))
        loop.add_reader(terminal, readable)
        line = await answer
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
        if not echo:
            os.write(terminal, b"\n")
        os.close(terminal)
    return line.decode(errors="surrogateescape").rstrip("\r\n") if line else None
