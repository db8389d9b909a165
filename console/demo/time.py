"""The time of the demo: it runs, or it stands still for a picture."""

from __future__ import annotations

from console.sessions.clock import SYSTEM_CLOCK, Clock

FROZEN_WALL = 1_790_000_000.0
FROZEN_MONOTONIC = 500_000.0


class FrozenClock:
    """A moment that never passes: every picture of it is the same."""

    def monotonic(self) -> float:
        return FROZEN_MONOTONIC

    def boottime(self) -> float:
        return FROZEN_MONOTONIC

    def wall(self) -> float:
        return FROZEN_WALL


class DemoTime:
    """`epoch` is the wall clock when the demo began, `t` the seconds since then."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self.clock = clock
        self.epoch = clock.wall()
        self._began = clock.monotonic()

    @property
    def frozen(self) -> bool:
        return isinstance(self.clock, FrozenClock)

    @property
    def t(self) -> float:
        return self.clock.monotonic() - self._began
