"""Which jobs: a filter (its grammar is `console.fleet.grammar`) over the rows of the list.

job:sync  kind:backup  node:gpu-1  state:failed,partial  section:history  message:refused   words
progress<50  nodes>3  failed>0  gb>10  rate>5                                               figures
backup  "two words"                                    in the name, kind, state, nodes or message

progress is in percent, gb in gigabytes, rate in megabytes a second; node means where it runs and what it
works on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from console.fleet.grammar import FilterError, Vocabulary
from console.fleet.jobs.rows import JobRow

__all__ = ["FilterError", "parse"]


def parse(text: str) -> Callable[[JobRow], bool]:
    """What tells whether a job is wanted. Raises FilterError."""
    tests = _VOCABULARY.parse(text)
    return lambda row: all(test(row) for test in tests)


def _figure(
    read: Callable[[JobRow], float | None], unit: float = 1.0
) -> Callable[[JobRow], Iterable[float]]:
    def known(row: JobRow) -> list[float]:
        value = read(row)
        return [] if value is None else [value / unit]

    return known


def _nodes(row: JobRow) -> tuple[str, ...]:
    return (*((row.node,) if row.node else ()), *(part.name for part in row.parts))


def _plain(row: JobRow) -> Iterable[str]:
    return (row.name, row.kind, row.state, row.message, *_nodes(row))


_VOCABULARY: Vocabulary[JobRow] = Vocabulary(
    measures={
        "progress": _figure(lambda row: row.amount.share, 0.01),
        "nodes": _figure(lambda row: row.amount.nodes or None),
        "failed": lambda row: [len(row.failed_nodes)] if row.parts else [],
        "gb": _figure(lambda row: row.amount.bytes, 1e9),
        "rate": _figure(lambda row: row.amount.rate, 1e6),
    },
    words={
        "job": lambda row: [row.name],
        "kind": lambda row: [row.kind],
        "state": lambda row: [row.state],
        "section": lambda row: [row.section],
        "node": _nodes,
        "run": lambda row: [row.view.record.run_id] if row.view else [],
        "message": lambda row: [row.message],
    },
    plain=_plain,
    exact=frozenset({"kind", "section"}),
    aliases={"name": "job", "bytes": "gb"},
)
