"""Bounded series of numbers over wall-clock time: what rates and forecasts are made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

_FINE_S, _FINE_POINTS = 60.0, 75  # a little over an hour
_COARSE_S, _COARSE_POINTS = 600.0, 160  # a little over a day
_MIN_SHARE = 1.0 / 60.0  # of the window that must be known before a rate is said


class Point(NamedTuple):
    """One kept value of a series, as plain data for the local cache."""

    series: str  # "dataset" or "disk"
    name: str  # the dataset, or the path
    clock: float  # wall clock, seconds
    value: float  # records, or bytes used
    produced: float = 0.0  # of a dataset: records that appeared since the series began


class _Count(NamedTuple):
    clock: float
    records: float
    produced: float


class CountSeries:
    """Records of one dataset on one node. What is deleted does not count against what was produced."""

    def __init__(self) -> None:
        self._fine: deque[_Count] = deque(maxlen=_FINE_POINTS)
        self._coarse: deque[_Count] = deque(maxlen=_COARSE_POINTS)
        self._last: _Count | None = None
        self._unreadable = 0

    def add(self, clock: float, records: int, unreadable_files: int = 0) -> None:
        """A count at `clock`. A rise that comes with a change of the unreadable files is no production."""
        last = self._last
        if last is not None and clock < last.clock:
            self._forget_after(clock)
            last = self._last
        rise = (
            0.0 if last is None or unreadable_files != self._unreadable else records - last.records
        )
        produced = (last.produced if last else 0.0) + max(0.0, rise)
        self._unreadable = unreadable_files
        self._append(_Count(clock, float(records), produced))

    def rate(self, window_s: float, clock: float) -> float | None:
        """Records per hour over the last `window_s` up to `clock`; None until enough of it is known."""
        last = self._last
        if last is None:
            return None
        start = self._at(clock - window_s)
        span = min(clock - start.clock, window_s)
        if span < window_s * _MIN_SHARE:
            return None
        return max(0.0, (last.produced - start.produced) * 3600.0 / span)

    def export(self) -> Iterable[tuple[float, float, float]]:
        """(clock, records, produced), oldest first."""
        merged = {point.clock: point for point in (*self._coarse, *self._fine)}
        if self._last is not None:
            merged[self._last.clock] = self._last
        return [merged[clock] for clock in sorted(merged)]

    def restore(self, points: Iterable[Point]) -> None:
        """Takes points of an earlier life in. They come before what is known now, or are ignored."""
        present = [_Count(*point) for point in self.export()]
        first = present[0].clock if present else float("inf")
        earlier = [p for p in sorted(points, key=lambda p: p.clock) if p.clock < first]
        self.__init__()  # type: ignore[misc]
        for point in earlier:
            self._append(_Count(point.clock, point.value, point.produced))
        if earlier and present:
            shift = earlier[-1].produced - present[0].produced
            shift += max(0.0, present[0].records - earlier[-1].value)
            present = [point._replace(produced=point.produced + shift) for point in present]
        for count in present:
            self._append(count)

    def _append(self, count: _Count) -> None:
        self._last = count
        for kept, step_s in ((self._fine, _FINE_S), (self._coarse, _COARSE_S)):
            if not kept or count.clock - kept[-1].clock >= step_s:
                kept.append(count)

    def _at(self, clock: float) -> _Count:
        """The last count at or before `clock`, or the first there is."""
        assert self._last is not None
        if self._last.clock <= clock:
            return self._last
        for kept in (self._fine, self._coarse):
            if kept and (kept[0].clock <= clock or kept is self._coarse):
                return next((point for point in reversed(kept) if point.clock <= clock), kept[0])
        return self._last

    def _forget_after(self, clock: float) -> None:
        """Our wall clock was set back: what lies in its future would give nonsense."""
        for kept in (self._fine, self._coarse):
            while kept and kept[-1].clock > clock:
                kept.pop()
        if self._last is not None:
            self._last = self._last._replace(clock=clock)


class DiskSeries:
    """Bytes used on one disk, and when it will be full if it goes on like that."""

    STEP_S, POINTS = 60.0, 90
    MIN_SPAN_S, MIN_POINTS = 300.0, 5
    HORIZON_S = 365 * 86_400.0  # further away is not a forecast

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque(maxlen=self.POINTS)
        self._slope: float | None = None

    def add(self, clock: float, used_bytes: float) -> None:
        """A reading; kept once a minute."""
        points = self._points
        if points and 0.0 <= clock - points[-1][0] < self.STEP_S:
            return
        while points and points[-1][0] > clock:
            points.pop()
        points.append((clock, float(used_bytes)))
        self._slope = self._fit()

    def full_in_s(self, available_bytes: float | None) -> float | None:
        """Seconds until nothing is available at the present rate; None if unknown or not filling."""
        if available_bytes is None:
            return None
        if available_bytes <= 0:
            return 0.0
        if self._slope is None or self._slope <= 0:
            return None
        seconds = available_bytes / self._slope
        return seconds if seconds <= self.HORIZON_S else None

    def export(self) -> Iterable[tuple[float, float]]:
        """(clock, used bytes), oldest first."""
        return tuple(self._points)

    def restore(self, points: Iterable[Point]) -> None:
        """Takes points of an earlier life in, before those that are known now."""
        present = list(self._points)
        first = present[0][0] if present else float("inf")
        earlier = sorted((p.clock, p.value) for p in points if p.clock < first)
        self._points = deque([*earlier, *present], maxlen=self.POINTS)
        self._slope = self._fit()

    def _fit(self) -> float | None:
        """Least-squares slope in bytes per second."""
        points = self._points
        if len(points) < self.MIN_POINTS or points[-1][0] - points[0][0] < self.MIN_SPAN_S:
            return None
        n = len(points)
        mean_x = sum(x for x, _ in points) / n
        mean_y = sum(y for _, y in points) / n
        spread = sum((x - mean_x) ** 2 for x, _ in points)
        if spread <= 0:
            return None
        return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
