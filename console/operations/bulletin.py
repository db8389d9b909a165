"""What the console itself has to say: settings that are wrong, a notification that failed.

The front ends show it; nobody prints.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from console.text import sanitise

_KEPT = 100


@dataclass(frozen=True)
class Bulletin:
    """One thing said. `level` is info, warning or error; `clock` the wall clock."""

    level: str
    text: str
    clock: float


class BulletinBoard:
    """The last bulletins, and who wants to hear new ones."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._kept: deque[Bulletin] = deque(maxlen=_KEPT)
        self._listeners: dict[int, Callable[[Bulletin], None]] = {}
        self._next = 0

    @property
    def recent(self) -> tuple[Bulletin, ...]:
        """The oldest first."""
        return tuple(self._kept)

    def post(self, level: str, text: str) -> None:
        """Tells every listener."""
        bulletin = Bulletin(level, sanitise(text), self._wall())
        self._kept.append(bulletin)
        for listener in tuple(self._listeners.values()):
            listener(bulletin)

    def subscribe(self, listener: Callable[[Bulletin], None]) -> Callable[[], None]:
        """Tells `listener` what was said so far, then each new bulletin. Returns what ends it."""
        number = self._next
        self._next += 1
        self._listeners[number] = listener
        for bulletin in tuple(self._kept):
            listener(bulletin)
        return lambda: self._listeners.pop(number, None) and None
