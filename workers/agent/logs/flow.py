"""How much log may be under way, so that a heartbeat never waits long behind it, however slow the line.

A channel keeps its order: what was sent before something that has arrived has arrived too. Proofs are the
credit a console gives for a chunk, and the echo of a heartbeat. Pure: times in seconds are handed in.
"""

from collections import deque
from typing import Deque, Tuple

FIRST_BYTES = 16 * 1024
LEAST_BYTES = 8 * 1024
MOST_BYTES = 4 * 1024 * 1024
QUICK_S = 0.3  # a proof within this: the line takes more
SLOW_S = 0.8  # later than this: it takes less
STALE_S = 5.0  # a reader that paused says nothing about the line


class Flow:
    """All tails of one channel together. A place is the count of bytes handed over until then."""

    def __init__(self) -> None:
        self.window_bytes = FIRST_BYTES
        self.sent_bytes = 0
        self._arrived_bytes = 0
        self._under_way: Deque[Tuple[int, float]] = deque()  # place, when
        self._beats: Deque[Tuple[int, int]] = deque(maxlen=120)  # sequence, place
        self._held_until = 0.0

    @property
    def room_bytes(self) -> int:
        """What may be handed over now; at least one piece goes where nothing is under way."""
        return self.window_bytes - (self.sent_bytes - self._arrived_bytes)

    @property
    def piece_bytes(self) -> int:
        """How large one frame should be: it cannot be interrupted by a heartbeat."""
        return max(2048, self.window_bytes // 4)

    def sent(self, count: int, now: float) -> int:
        """Hands over ``count`` bytes; gives their place."""
        self.sent_bytes += count
        self._under_way.append((self.sent_bytes, now))
        return self.sent_bytes

    def arrived(self, place: int, now: float) -> None:
        """Everything up to ``place`` has arrived."""
        sent_at = None
        while self._under_way and self._under_way[0][0] <= place:
            reached, sent_at = self._under_way.popleft()
            count = reached - self._arrived_bytes
            self._arrived_bytes = reached
            if now - sent_at < QUICK_S:
                self.window_bytes = min(MOST_BYTES, self.window_bytes + count)
        if sent_at is not None and SLOW_S < now - sent_at < STALE_S and now > self._held_until:
            self.window_bytes = max(LEAST_BYTES, self.window_bytes // 2)
            self._held_until = now + SLOW_S  # what is under way was sent before this

    def beat(self, sequence: int, left_bytes: int) -> None:
        """A heartbeat leaves after ``left_bytes`` of all that was handed over."""
        self._beats.append((sequence, left_bytes))

    def echoed(self, sequence: int, now: float) -> None:
        """The console has this heartbeat."""
        place = 0
        while self._beats and self._beats[0][0] <= sequence:
            place = self._beats.popleft()[1]
        # An echo comes once a second: it proves arrival, and says nothing about speed.
        while self._under_way and self._under_way[0][0] <= place:
            self._arrived_bytes = self._under_way.popleft()[0]
