"""Which workers: a filter (its grammar is `console.fleet.grammar`) over what is known of a worker.

worker:selfplay  node:gpu-1  preset:train  tag:selfplay  kind:job   words, or one of several
state:running,backoff  desired:stopped  health:stalled  flag:adopted  words said in full; flag:any
rate>100  progress<50  restarts>0  cpu>90  mem>8  gpumem>8  uptime<1   figures
hex8  "two words"                                      in the name, node, preset, tags or command

rate is per minute, progress in percent, cpu in percent of one core, mem and gpumem in GiB, uptime in days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from console.fleet.grammar import FilterError, Vocabulary
from console.fleet.workers.view import WorkerView

__all__ = ["FIELDS", "FilterError", "parse"]

_GIB = 1024.0**3
_DAY_S = 86_400.0


def parse(text: str) -> Callable[[WorkerView], bool]:
    """What tells whether a worker is wanted. Raises FilterError."""
    tests = _VOCABULARY.parse(text)
    return lambda view: all(test(view) for test in tests)


def _figure(
    read: Callable[[WorkerView], float | None], unit: float = 1.0
) -> Callable[[WorkerView], Iterable[float]]:
    def known(view: WorkerView) -> list[float]:
        value = read(view)
        return [] if value is None else [value / unit]

    return known


def _progress(view: WorkerView) -> float | None:
    said = view.record.progress
    if said is None or said.done is None or not said.total:
        return None
    return 100.0 * said.done / said.total


def _plain(view: WorkerView) -> Iterable[str]:
    record = view.record
    return (record.name, view.node, record.preset, *record.tags, " ".join(record.command))


_VOCABULARY: Vocabulary[WorkerView] = Vocabulary(
    measures={
        "rate": _figure(lambda view: view.per_minute),
        "progress": _figure(_progress),
        "restarts": _figure(lambda view: view.record.restarts),
        "cpu": _figure(lambda view: view.record.cpu_percent),
        "mem": _figure(lambda view: view.record.memory_bytes, _GIB),
        "gpumem": _figure(lambda view: view.record.gpu_memory_bytes, _GIB),
        "uptime": _figure(lambda view: view.running_s if view.live else None, _DAY_S),
    },
    words={
        "worker": lambda view: [view.name],
        "node": lambda view: [view.node],
        "run": lambda view: [view.record.run_id],
        "preset": lambda view: [view.record.preset] if view.record.preset else [],
        "kind": lambda view: [view.record.kind],
        "state": lambda view: [view.record.state],
        "desired": lambda view: [view.record.desired],
        "health": lambda view: [view.health],
        "flag": lambda view: view.record.flags,
        "tag": lambda view: view.record.tags,
        "reason": lambda view: [view.reason],
        "line": lambda view: [view.record.last_line],
    },
    plain=_plain,
    exact=frozenset({"state", "desired", "health", "flag", "tag", "kind"}),
    any_of=frozenset({"flag"}),
    aliases={"name": "worker", "memory": "mem", "flags": "flag", "tags": "tag"},
)
FIELDS = (*_VOCABULARY.measures, *_VOCABULARY.words)
