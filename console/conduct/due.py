"""When jobs are due: cron expressions as Debian's cron reads them, over every jump of the clock. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import takewhile

from cronsim import CronSim

LATE_S = 90.0  # later than this it was missed, and is said to have been
CORRECTED_S = 3 * 3600.0
"""A clock that went back by less was summer time, or a small correction: nothing is done twice. By more it was
wrong before, and what it says now holds (cron(8))."""

_WEEK_S = 7 * 86_400.0


@dataclass(frozen=True)
class Due:
    """A job to be run now. ``at`` is the newest of its times that came; ``missed`` how many before it did as
    well and were not run; ``late`` where nobody looked when it came."""

    name: str
    at: float
    missed: int = 0
    late: bool = False


@dataclass(frozen=True)
class Look:
    """``due`` in the order of their times; ``seen`` up to when each job has been dealt with now; ``next`` when each
    comes again, None where never. Seconds since the epoch."""

    due: tuple[Due, ...]
    seen: Mapping[str, float]
    next: Mapping[str, float | None]


def due(schedules: Mapping[str, str], seen: Mapping[str, float], now: float, zone: tzinfo) -> Look:
    """What is due at ``now``. A job that was never seen is new: it waits for its next time.

    However many of a job's times came since it was looked at, it is due once.
    """
    found: list[Due] = []
    looked: dict[str, float] = {}
    ahead: dict[str, float | None] = {}
    for name, schedule in schedules.items():
        since = _since(seen.get(name), now)
        times = _times(schedule, since, now, zone)
        if times:
            at = times[-1]
            found.append(Due(name, at, len(times) - 1, now - at > LATE_S))
        looked[name] = max(since, now)
        ahead[name] = next_after(schedule, looked[name], zone)
    return Look(tuple(sorted(found, key=lambda one: one.at)), looked, ahead)


def next_after(schedule: str, moment: float, zone: tzinfo) -> float | None:
    """The first of its times after ``moment``; None where no day ever comes."""
    return next(_after(schedule, moment, zone), None)


def _after(schedule: str, moment: float, zone: tzinfo) -> Iterator[float]:
    # In the hour that comes twice, the times of its first half are named again: they are over.
    times = (at.timestamp() for at in CronSim(schedule, datetime.fromtimestamp(moment, zone)))
    return (at for at in times if at > moment)


def _since(seen: float | None, now: float) -> float:
    if seen is None or seen - now > CORRECTED_S:
        return now
    return seen


def _times(schedule: str, since: float, now: float, zone: tzinfo) -> list[float]:
    """Its times after ``since`` and up to ``now``; of many only those of the last week."""
    for begin in (max(since, now - _WEEK_S), since):
        found = list(takewhile(lambda at: at <= now, _after(schedule, begin, zone)))
        if found:
            return found
    return []
