"""The time a login may take, stage by stage; it stands still while a person is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Deadline:
    """Calls `expire` once when a stage takes longer than it may; `expired` then says which."""

    def __init__(self, expire: Callable[[], object]) -> None:
        self._expire = expire
        self._timer: asyncio.TimerHandle | None = None
        self._stage = ("", 0.0)
        self.expired: tuple[str, float] | None = None  # (stage, seconds)

    def arm(self, stage: str, seconds: float) -> None:
        """Starts a stage; the one before has been passed."""
        self.disarm()
        self._stage = (stage, seconds)
        self._timer = asyncio.get_running_loop().call_later(seconds, self._ring)

    def disarm(self) -> None:
        """No stage runs."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Time inside does not count; afterwards the stage starts anew."""
        running, stage = self._timer is not None, self._stage
        self.disarm()
        try:
            yield
        finally:
            if running:
                self.arm(*stage)

    def _ring(self) -> None:
        self.expired = self._stage
        self._expire()
