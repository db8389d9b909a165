"""What one node may cost the console, whatever it sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Newest(Generic[Item]):
    """Passes items on at most once every `gap_s`; of those that come faster the newest wins."""

    def __init__(self, gap_s: float, deliver: Callable[[Item], None]) -> None:
        self._gap_s = gap_s
        self._deliver = deliver
        self._free_at = 0.0
        self._held: Item | None = None
        self._timer: asyncio.TimerHandle | None = None

    def offer(self, item: Item) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._timer is not None:
            self._held = item
        elif now >= self._free_at:
            self._free_at = now + self._gap_s
            self._deliver(item)
        else:
            self._held = item
            self._timer = loop.call_at(self._free_at, self._release)

    def close(self) -> None:
        """Drops what is held."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._held = None

    def _release(self) -> None:
        held, self._held, self._timer = self._held, None, None
        if held is not None:
            self.offer(held)


class Tokens:
    """At most `burst` at once and `per_s` in the long run."""

    def __init__(self, burst: float, per_s: float) -> None:
        self._burst = burst
        self._per_s = per_s
        self._left = burst
        self._at: float | None = None

    def take(self, now: float, amount: float = 1.0) -> float:
        """Takes `amount`, into debt where need be; gives the seconds until the debt is paid."""
        if self._at is not None:
            self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        self._left -= amount
        return max(0.0, -self._left / self._per_s)

    def try_take(self, now: float) -> bool:
        """Takes one where there is one."""
        if self.take(now) > 0:
            self._left += 1.0
            return False
        return True
