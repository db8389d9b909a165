"""The time of the demo: it runs, or it stands still for a picture."""

from __future__ import annotations

from collections.abc import Callable


class DemoTime:
    """`wall` gives the wall clock in seconds. A frozen time never moves, so every picture is the same."""

    def __init__(self, wall: Callable[[], float], *, frozen: bool = False) -> None:
        self._wall = wall
        self.frozen = frozen
        self.epoch = wall()

    @property
    def t(self) -> float:
        """Seconds since the demo began."""
        return self._wall() - self.epoch
