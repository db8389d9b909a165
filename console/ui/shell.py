"""A shell on a node: the screen steps aside, a program has the terminal, the screen comes back."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

if TYPE_CHECKING:
    from console.ui.app import QuarterdeckApp


async def run_in_terminal(app: QuarterdeckApp, node: str, command: Sequence[str]) -> None:
    """Runs `command` (an argument list) in the terminal; the monitoring goes on meanwhile."""
    before = signal.getsignal(signal.SIGINT)
    try:
        with app.suspend():
            # A handler, not SIG_IGN: the program must not inherit deafness to Ctrl-C.
            signal.signal(signal.SIGINT, _leave_it_to_the_program)
            print(f"\nshell on {ascii(node)[1:-1]}; `exit` comes back to Quarterdeck\n", flush=True)
            process = await asyncio.create_subprocess_exec(*command)
            code = await process.wait()
    except SuspendNotSupported:
        app.say("this terminal cannot be handed to a shell", bad=True)
        return
    except OSError as error:
        app.say(f"{command[0]}: {error.strerror}", bad=True)
        return
    finally:
        signal.signal(signal.SIGINT, before)
    if code == 255:
        app.say(f"{node}: ssh could not connect; d says more", bad=True)


def _leave_it_to_the_program(number: int, frame: FrameType | None) -> None:
    """Ctrl-C is the program's while it has the terminal."""
