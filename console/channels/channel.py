"""The seam: bytes to one agent. A new way to reach nodes is one file that has a `Dialer`.

`Dialer.dial` gives a `Channel` whose far end is a shell that has just been handed the bootstrap command
(`console.sessions.bootstrap`), or, where `speaks_frames` is true (memory), the agent itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Progress = Callable[[str], None]  # told each step in words


class Channel(Protocol):
    """One agent's standard input and output."""

    async def read(self) -> bytes:
        """The next bytes, as many as there are; b"" when the far end closed.

        Raises LinkError when the connection broke.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Sends all of `data`; waits while the far end does not take it. Raises LinkError."""
        ...

    async def close(self) -> str:
        """Ends it whatever its state, within 2 s; gives what the far end wrote to standard error."""
        ...


class Dialer(Protocol):
    """Opens channels to one node."""

    speaks_frames: bool

    async def dial(self, command: str, progress: Progress) -> Channel:
        """Connects, authenticates, runs `command` there. Raises LinkError with a Problem in words."""
        ...

    async def close(self) -> None:
        """Gives up what is kept between dials (a connection, a bastion's share)."""
        ...
