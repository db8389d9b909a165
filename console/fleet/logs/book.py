"""The lines at hand, of all streams, ordered by time; bounded, the oldest leave first."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterable
from operator import attrgetter

from console.fleet.logs.line import Line

KEEP_LINES = 50_000
KEEP_BYTES = 32 * 1024 * 1024
_OVERHEAD = 300  # bytes of memory a line takes beside its text

_at = attrgetter("at")
_order = attrgetter("at", "source")


class LogBook:
    """By time, then by source; the lines of one stream keep their order, always."""

    def __init__(self, keep_lines: int = KEEP_LINES, keep_bytes: int = KEEP_BYTES) -> None:
        self.lines: list[Line] = []
        self.left = 0  # lines that had to leave
        self.changes = 0  # counts up with every change
        self.kinds: Counter[str] = Counter()  # of the lines that are of one
        self._keep_lines, self._keep_bytes = keep_lines, keep_bytes
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def last(self) -> Line | None:
        return self.lines[-1] if self.lines else None

    def add(self, fresh: Iterable[Line]) -> None:
        """Takes lines in, each where its time puts it: late ones above those that are there."""
        new = list(fresh)
        if not new:
            return
        self.changes += 1
        self._bytes += sum(len(line.data) + _OVERHEAD for line in new)
        self.kinds.update(line.kind for line in new if line.kind)
        earliest = min(new, key=_order)
        if self.lines and _order(earliest) < _order(self.lines[-1]):
            place = bisect_left(self.lines, earliest.at, key=_at)
            tail = self.lines[place:] + new
            tail.sort(key=_order)
            self.lines[place:] = tail
        else:
            new.sort(key=_order)
            self.lines += new
        self._shrink()

    def place_of(self, line: Line, near: int = -1) -> int | None:
        """Where a line stands; None when it left or never came. `near`: where it stood before."""
        if 0 <= near < len(self.lines) and self.lines[near] is line:
            return near
        first = bisect_left(self.lines, line.at, key=_at)
        try:
            return self.lines.index(line, first, self.place_after(line.at))
        except ValueError:
            return None

    def place_after(self, at: float) -> int:
        """The place of the first line later than ``at``."""
        return bisect_right(self.lines, at, key=_at)

    def _shrink(self) -> None:
        """In steps of a tenth: dropping from the front of a list costs as much as the list is long."""
        slack = self._keep_lines // 10
        over = len(self.lines) - self._keep_lines
        if over > slack:
            self._drop(over)
        while self._bytes > self._keep_bytes and len(self.lines) > 1:
            self._drop(max(1, len(self.lines) // 10))

    def _drop(self, count: int) -> None:
        self._bytes -= sum(len(line.data) + _OVERHEAD for line in self.lines[:count])
        self.kinds.subtract(line.kind for line in self.lines[:count] if line.kind)
        del self.lines[:count]
        self.left += count
        self.changes += 1


class Holdback:
    """Holds lines of several streams a moment, so that they come to stand in order and not jump about."""

    def __init__(self, hold_s: float = 0.3) -> None:
        self.hold_s = hold_s
        self._held: deque[tuple[float, list[Line]]] = deque()

    def push(self, lines: list[Line], now: float) -> None:
        """``now``: any clock that does not go back."""
        if lines:
            self._held.append((now, lines))

    def release(self, now: float, everything: bool = False) -> list[Line]:
        """The lines that were held long enough."""
        free: list[Line] = []
        while self._held and (everything or now - self._held[0][0] >= self.hold_s):
            free += self._held.popleft()[1]
        return free
