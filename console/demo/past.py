"""What the demo's fleet did before the screen opened, so that graphs, rates and alerts stand at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from console.demo import facts
from console.demo.machines import Trouble, machine
from console.demo.workers.company import DemoWorkers
from console.demo.workers.run import Moment
from console.fleet.events import (
    ClockTicked,
    DatasetsArrived,
    Event,
    HeartbeatArrived,
    LinkUp,
    NodeAdded,
    SampleArrived,
    WorkersArrived,
)
from console.fleet.model import NodeSpec

SILENT_S = 6.0  # how long the machine with the bad network has been silent
_UNREACHED = frozenset(
    {Trouble.REFUSED, Trouble.UNKNOWN_KEY, Trouble.CHANGED_KEY, Trouble.NO_PYTHON}
)
_SPARSE = (-86_401.0, -64_800.0, -43_200.0, -21_600.0, -10_800.0, -7_200.0)
_HOUR = tuple(float(-3_601 + 150 * step) for step in range(20))
_MINUTES = tuple(float(-660 + 30 * step) for step in range(18))
_NOW = (*(float(-120 + 3 * step) for step in range(40)), -1.0)
_MOMENTS = tuple(sorted({*_SPARSE, *_HOUR, *_MINUTES, *_NOW}))
_WORKED = frozenset({*_MINUTES[::2], *_NOW[::4], -1.0})
_COUNTED = frozenset({*_SPARSE, *_HOUR, -60.0, -1.0})


def past_events(
    specs: tuple[NodeSpec, ...], now: float, clock: float, brief: bool = False
) -> Iterator[Event]:
    """All events up to `now` (monotonic) and `clock` (wall); `brief`: only what rates need.

    The number of a spec is its place. Those that were never reached have no past.
    """
    for spec in specs:
        yield NodeAdded(spec.name, now + _MOMENTS[0], spec)
    reached = [i for i in range(len(specs)) if machine(i).trouble not in _UNREACHED]
    for index in reached:
        moment = now + _MOMENTS[0]
        greeting = facts.hello(index, _MOMENTS[0], clock)
        yield LinkUp(specs[index].name, moment, greeting, clock + _MOMENTS[0])
    workers = {index: DemoWorkers(index, lambda: Moment(0.0, clock)) for index in reached}
    for t in (*_SPARSE, -3_601.0, -1.0) if brief else _MOMENTS:
        for index in reached:
            late = machine(index).trouble is Trouble.STALE_LINK and t > -SILENT_S
            if not late:
                yield from _reading(specs[index].name, index, t, now, clock)
                if t in _WORKED:
                    then = Moment(t, facts.wall(index, 0.0, clock))
                    report = workers[index].report(then)
                    yield WorkersArrived(specs[index].name, now + t, report)
        yield ClockTicked(now + t, clock + t)
    yield ClockTicked(now, clock)


@lru_cache(maxsize=4)
def frozen_past(
    specs: tuple[NodeSpec, ...], now: float, clock: float, brief: bool
) -> tuple[Event, ...]:
    """The same, kept: at a moment that never passes it is asked for again and again."""
    return tuple(past_events(specs, now, clock, brief=brief))


def _reading(name: str, index: int, t: float, now: float, clock: float) -> Iterator[Event]:
    at, wall = now + t, clock + t
    trip = 0.001 + 0.04 * (index % 5)
    if machine(index).data and t in _COUNTED:  # first: what is old by now must not look stale
        yield DatasetsArrived(name, at, facts.datasets(index, t, clock))
    yield HeartbeatArrived(name, at, facts.heartbeat(index, t, clock, 0), wall, trip)
    yield SampleArrived(name, at, facts.sample(index, t, clock))
