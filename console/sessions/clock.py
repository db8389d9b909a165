"""Time as a session reads it: handed in, so that a test can own it."""

from __future__ import annotations

import time
from typing import NamedTuple, Protocol

STOPPED_S = 5.0  # a loop that did not turn for so long was stopped, not busy


class Clock(Protocol):
    """The three clocks. All in seconds."""

    def monotonic(self) -> float:
        """Stands still while the machine sleeps."""
        ...

    def boottime(self) -> float:
        """Goes on while the machine sleeps."""
        ...

    def wall(self) -> float:
        """Since the epoch; may jump."""
        ...


class SystemClock:
    """The machine's own."""

    def monotonic(self) -> float:
        return time.monotonic()

    def boottime(self) -> float:
        clock = getattr(
            time, "CLOCK_BOOTTIME", None
        )  # macOS: its monotonic clock is the best there is
        return time.monotonic() if clock is None else time.clock_gettime(clock)

    def wall(self) -> float:
        return time.time()


SYSTEM_CLOCK = SystemClock()


class Instant(NamedTuple):
    """Two clocks read together: their difference grows by what was slept."""

    monotonic: float
    boottime: float

    @classmethod
    def now(cls, clock: Clock) -> Instant:
        return cls(clock.monotonic(), clock.boottime())

    def slept_until(self, later: Instant, pause_s: float) -> bool:
        """Whether the machine was suspended, or this process stopped, during a pause of `pause_s`."""
        awake_s = later.monotonic - self.monotonic
        suspended_s = later.boottime - self.boottime - awake_s
        return suspended_s > 1.0 or awake_s > pause_s + STOPPED_S
