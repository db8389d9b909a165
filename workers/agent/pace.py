"""How far the console is behind: on a slow line a reading that would wait behind others is not taken at all.

The console's heartbeats echo ours, and a channel keeps its order: what left before an echoed heartbeat has
arrived. What lies between here and there cannot be replaced by newer readings any more.
"""

from collections import deque
from typing import Deque, Tuple

ALWAYS_BYTES = 12 * 1024  # under way without asking; more where the line has proved to carry it
AHEAD_S = 2.0  # of what the line carries
SMOOTHING = 0.25  # arrivals come in lumps


class Pace:
    """Counts what left and what has arrived. Bytes of readings only; times in seconds, handed in."""

    def __init__(self) -> None:
        self._beats: Deque[Tuple[int, int]] = deque(
            maxlen=120
        )  # sequence, bytes that left before it
        self._arrived = 0
        self._measured = (0.0, 0)
        self._bytes_per_s = 0.0
        self._echoes = False

    def beat(self, sequence: int, left_bytes: int) -> None:
        """A heartbeat goes out after ``left_bytes`` of readings in all."""
        self._beats.append((sequence, left_bytes))

    def echoed(self, sequence: int, now: float) -> None:
        """The console has this heartbeat."""
        self._echoes = True
        while self._beats and self._beats[0][0] <= sequence:
            self._arrived = self._beats.popleft()[1]
        since, before = self._measured
        if now - since >= 1.0:
            carried = (self._arrived - before) / (now - since)
            self._bytes_per_s += (carried - self._bytes_per_s) * SMOOTHING
            self._measured = (now, self._arrived)

    def has_room(self, left_bytes: int) -> bool:
        """Whether one more reading would reach the console soon. ``left_bytes`` as in `beat`."""
        if not self._echoes:
            return True  # it has not answered yet: nothing is known
        limit = max(ALWAYS_BYTES, self._bytes_per_s * AHEAD_S)
        return left_bytes - self._arrived <= limit
