"""When a line was written: its own timestamp where it has one, else the chunk's clock, and then roughly.

A timestamp without a zone is in the zone of the worker, which nobody tells; it is learned from lines that
the node saw written: the difference to the node's clock is near a whole quarter of an hour.
"""

from __future__ import annotations

import re
from calendar import timegm
from typing import NamedTuple

_HEAD_BYTES = 72  # a timestamp further right is something else
_QUARTER_S = 900.0
_NEAR_S = 60.0  # so close to a whole quarter, the difference is a zone
_WIDEST_S = 14 * 3600.0
_AHEAD_S = 120.0  # further in the future no line was written
_YEAR_S = 365.25 * 86_400

_ISO = re.compile(
    rb"(?<!\d)(\d{4})[-/.](\d\d)[-/.](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
    rb" ?(Z\b|[+-]\d\d:?\d\d\b)?"
)
_NO_YEAR = re.compile(rb"(?<!\d)(\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?")
_GLOG = re.compile(rb"(?:^|[\s:\]])[IWEF](\d\d)(\d\d) +(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?")
_SYSLOG = re.compile(
    rb"(?<!\w)(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([ \d]\d) (\d\d):(\d\d):(\d\d)"
)
_EPOCH = re.compile(
    rb"""^(?:\W{0,3}|\W*"?(?:ts|time|timestamp)"?\s*[:=]\s*)(1\d{9})(\d{3})?(?:\.(\d{1,9}))?(?![\d.])"""
)
_COLOUR = re.compile(rb"\x1b\[[0-9;:]*m")
_MONTHS = b"JanFebMarAprMayJunJulAugSepOctNovDec"


class Stamp(NamedTuple):
    """``seconds`` since the epoch; without ``zoned`` as if the zone were UTC, without ``year`` of any year."""

    seconds: float
    zoned: bool = True
    year: bool = True


def stamp(data: bytes) -> Stamp | None:
    """The timestamp at the head of a line: ISO 8601, `11/22 03:04:05`, glog, syslog, seconds since the epoch."""
    head = data[:_HEAD_BYTES]
    if b"\x1b" in head:
        head = _COLOUR.sub(b"", head)
    if b":" not in head:
        return _epoch(head)
    if found := _ISO.search(head):
        year, month, day, hour, minute, second, part, zone = found.groups()
        date = (int(year), int(month), int(day))
        return _made(date, (hour, minute, second, part), zone)
    if found := _NO_YEAR.search(head) or _GLOG.search(head):
        month, day, hour, minute, second, part = found.groups()
        return _made((0, int(month), int(day)), (hour, minute, second, part), None)
    if found := _SYSLOG.search(head):
        name, day, hour, minute, second = found.groups()
        return _made((0, _MONTHS.index(name) // 3 + 1, int(day)), (hour, minute, second, None), None)  # fmt: skip
    return _epoch(head)


def _epoch(head: bytes) -> Stamp | None:
    found = _EPOCH.match(head)
    if not found:
        return None
    whole, milli, part = found.groups()
    return Stamp(int(whole) + (int(milli) / 1000.0 if milli else _fraction(part)))


def _made(
    date: tuple[int, int, int],
    time: tuple[bytes, bytes, bytes, bytes | None],
    zone: bytes | None,
) -> Stamp | None:
    year, month, day = date
    hour, minute, second = (int(part) for part in time[:3] if part is not None)
    possible = 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61
    if not possible or (year and not 1971 <= year <= 2200):
        return None
    seconds = timegm((year or 2000, month, day, hour, minute, second)) + _fraction(time[3])
    if zone is None:
        return Stamp(seconds, zoned=False, year=bool(year))
    if zone == b"Z":
        return Stamp(seconds)
    digits = zone[1:].replace(b":", b"")
    east = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return Stamp(seconds - east if zone[:1] == b"+" else seconds + east)


def _fraction(part: bytes | None) -> float:
    return float(b"0." + part) if part else 0.0


class LineTime(NamedTuple):
    """By the node's clock. ``order`` never goes back within a stream; ``rough``: not the line's own word."""

    order: float
    time: float
    rough: bool


class LineClock:
    """The times of one stream's lines, in the order they were written."""

    def __init__(self) -> None:
        self._last = 0.0
        self._zone_s: float | None = None
        self._prefix = b""  # of the last line with a timestamp, up to its seconds
        self._prefixed: Stamp | None = None

    def tell(self, data: bytes, clock: float, first: bool, now: float) -> LineTime:
        """``clock``: the node's when the line's chunk began to be written, 0.0 where unknown; ``first``: with
        this very line. ``now``: the node's clock now.
        """
        told = self._stamp(data)
        time = self._placed(told, clock if first else 0.0, now) if told else None
        if time is None or time > now + _AHEAD_S:
            self._last = max(self._last, clock) or now
            return LineTime(self._last, self._last, True)
        self._last = max(self._last, time)
        rough = told is not None and not told.zoned and self._zone_s is None
        return LineTime(self._last, time, rough)

    def _stamp(self, data: bytes) -> Stamp | None:
        """Lines of one second mostly begin alike: only the fraction is read again."""
        prefix = data[:19]
        if prefix == self._prefix and self._prefixed is not None:
            part = data[20:23]
            if data[19:20] in (b".", b",") and part.isdigit() and not data[23:24].isdigit():
                return self._prefixed._replace(
                    seconds=self._prefixed.seconds + float(part) / 1000.0
                )
        found = stamp(data)
        if found and not found.zoned and found.year and _ISO.match(data):
            self._prefix, self._prefixed = prefix, found._replace(seconds=found.seconds // 1)
        else:
            self._prefix = b""
        return found

    def _placed(self, told: Stamp, seen: float, now: float) -> float:
        """The timestamp in UTC. ``seen``: the node's clock when this line was written, or 0.0."""
        seconds = told.seconds
        if not told.year:
            seconds = _nearest_year(seconds, seen or self._last or now)
        if told.zoned:
            return seconds
        if seen:
            self._learn(seconds - seen)
        return seconds - (self._zone_s or 0.0)

    def _learn(self, difference_s: float) -> None:
        zone = round(difference_s / _QUARTER_S) * _QUARTER_S
        if abs(difference_s - zone) <= _NEAR_S and abs(zone) <= _WIDEST_S:
            self._zone_s = zone


def _nearest_year(seconds: float, reference: float) -> float:
    """A time of the year 2000 in the year that brings it nearest to ``reference``."""
    guess = 2000 + round((reference - seconds) / _YEAR_S)
    in_2000 = seconds - timegm((2000, 1, 1, 0, 0, 0))
    times = []
    for year in (guess - 1, guess, guess + 1):
        begin = timegm((year, 1, 1, 0, 0, 0))
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        after_february = in_2000 >= 60 * 86_400.0
        times.append(begin + in_2000 - (86_400.0 if after_february and not leap else 0.0))
    return min(times, key=lambda time: abs(time - reference))
