"""Fencing numbers: each start of a job has a higher one than every start before it.

A job that was held up for long and wakes after another went on finds the higher number at the destination and ends.
The wall clock in milliseconds orders the starts of several consoles; where it went back, what a destination on this
machine has seen goes on being exceeded.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

_SEEN = Path(".quarterdeck") / "fence.json"


class Fences:
    """`wall`: seconds since the epoch."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._last = 0

    def next(self, destination: str | None = None) -> int:
        """A new one. `destination`: the folder it is for, where it lies on this machine."""
        seen = _seen(destination) if destination is not None else 0
        self._last = max(self._last + 1, seen + 1, int(self._wall() * 1000))
        return self._last


def _seen(destination: str) -> int:
    """The highest that the destination let in; 0 where it cannot be told: the job itself will say why."""
    try:
        found = json.loads((Path(destination).expanduser() / _SEEN).read_bytes()[:4096])["fence"]
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return 0
    return found if isinstance(found, int) else 0
