"""How fast one worker's units come: from its own word, from its count, or from a dataset's."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Sequence

WINDOW_S = 300.0  # what a rate is measured over
_LEAST_SPAN_S = 15.0  # between the first and the last rise, before a rate is said
_OVERDUE = 3.0  # times its usual gap without a rise: it does nothing
_RISES = 64
_SHORT_S = 60.0  # not looking for so long spoils no rate
_MINUTE_S = 60.0
_MINUTES = 240  # what "usual" looks back on
_RECENT_MINUTES = 5  # the last ones are what is compared with it
_LEAST_MINUTES = 5


def median(values: Sequence[float]) -> float:
    """The middle one, the higher of two. `values` must not be empty."""
    return sorted(values)[len(values) // 2]


class Pace:
    """Rises of one count over time. ``at`` is our monotonic clock, in seconds."""

    __slots__ = ("_minute_at", "_minutes", "_rises", "_seen", "_usual")

    def __init__(self) -> None:
        self._seen: float | None = None  # the last count
        self._rises: deque[tuple[float, float]] = deque(maxlen=_RISES)
        self._minutes = array("d")
        self._minute_at: float | None = None
        self._usual: float | None = None

    def count(self, done: float, at: float) -> bool:
        """Takes a count in; True where it rose. One that falls is a new beginning."""
        seen, self._seen = self._seen, done
        if seen is None or done == seen:
            return False
        if done < seen:
            self._rises.clear()
            return False
        self._rises.append((at, done))
        return True

    def forget(self) -> None:
        """What comes now is another count."""
        self._rises.clear()
        self._seen = None

    def missed(self, seconds: float) -> None:
        """Nobody looked for so long. If it was frozen meanwhile, a rate over that time would mislead."""
        if seconds > max(_SHORT_S, self.gap_s or 0.0):
            self.forget()

    def remember(self, per_minute: float | None, at: float) -> None:
        """Keeps the rate of this minute, for `usual`."""
        if per_minute is None or per_minute <= 0:
            return
        if self._minute_at is not None and at - self._minute_at < _MINUTE_S:
            return
        self._minute_at = at
        self._minutes.append(per_minute)
        if len(self._minutes) > _MINUTES:
            del self._minutes[0]
        before = self._minutes[:-_RECENT_MINUTES]
        self._usual = median(before) if len(before) >= _LEAST_MINUTES else None

    @property
    def usual(self) -> float | None:
        """The median of its own past, a minute; None until it has one. What lasts for hours becomes usual."""
        return self._usual

    @property
    def gap_s(self) -> float | None:
        """Between two rises, usually; None until two are known."""
        rises = self._rises
        if len(rises) < 2:
            return None
        return (rises[-1][0] - rises[0][0]) / (len(rises) - 1)

    def per_minute(self, at: float) -> float | None:
        """Units a minute over the last WINDOW_S; 0 where it is long overdue, None until it is known."""
        rises = self._rises
        gap_s = self.gap_s
        if gap_s is None:
            return None
        silent_s = at - rises[-1][0]
        if silent_s > max(WINDOW_S, _OVERDUE * gap_s):
            return 0.0
        first = self._first(at - WINDOW_S)
        span_s = rises[-1][0] - first[0]
        if span_s < _LEAST_SPAN_S:
            return None
        late_s = max(0.0, silent_s - _OVERDUE * gap_s)
        return (rises[-1][1] - first[1]) * 60.0 / (span_s + late_s)

    def _first(self, start: float) -> tuple[float, float]:
        """The last rise before `start`, or the first there is; never the newest."""
        rises = self._rises
        found = rises[0]
        for rise in rises:
            if rise[0] > start or rise is rises[-1]:
                break
            found = rise
        return found
