"""How long to wait before the next try: full jitter, so that a fleet does not come back as one wave."""

from __future__ import annotations

import random
from collections.abc import Callable

SHORTEST_S = 0.2
FIRST_CEILING_S = 0.4
NEAR_CEILING_S = 3.0
FAR_CEILING_S = 30.0
NEAR_FOR_S = 600.0
HEALTHY_S = 60.0


class Backoff:
    """Delays of one node. `uniform(low, high)` is the source of chance."""

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._lost_at: float | None = None
        self._losses = 0

    def delay_s(self, at: float, up_for_s: float = 0.0) -> float:
        """After a loss at `at` of a link that was up for `up_for_s`: seconds until the next try."""
        if up_for_s >= HEALTHY_S:
            self.reset()
        if self._lost_at is None:
            self._lost_at = at
        self._losses += 1
        if at - self._lost_at >= NEAR_FOR_S:
            return self._uniform(SHORTEST_S, FAR_CEILING_S)
        ceiling_s = min(NEAR_CEILING_S, FIRST_CEILING_S * 2 ** min(self._losses - 1, 10))
        return self._uniform(SHORTEST_S, ceiling_s)

    def reset(self) -> None:
        """A person acted, or the machine woke: begin again with short delays."""
        self._lost_at = None
        self._losses = 0
