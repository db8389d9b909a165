"""How far a job is: nodes, bytes, rate and time left, added up from its parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import NamedTuple

from console.fleet.workers import WorkerView
from workers.protocol import Progress, ProgressPart

ENDED = frozenset({"done", "partial", "failed", "skipped"})
BAD = frozenset({"partial", "failed"})


class Amount(NamedTuple):
    """Sizes in bytes, rates in bytes a second, times in seconds; None is not known. `share` is 0 to 1."""

    nodes_done: int = 0
    nodes: int = 0
    bytes: float | None = None
    bytes_total: float | None = None
    rate: float | None = None
    eta_s: float | None = None
    share: float | None = None


def amount(view: WorkerView) -> Amount:
    """Of a run; what has ended neither moves nor has time left."""
    said = view.record.progress
    if said is None:
        return Amount()
    parts = said.parts
    done = known(part.bytes for part in parts)
    # A total to which one part adds nothing yet would shrink what is left.
    complete = all(part.bytes_total is not None or part.state == "skipped" for part in parts)
    total = known(part.bytes_total for part in parts) if complete else None
    rate = known(part.rate_bytes_s for part in parts if part.state == "running")
    if not view.live:
        rate = None
    return Amount(
        sum(part.state == "done" for part in parts),
        len(parts),
        done,
        total,
        rate,
        _eta(view, done, total, rate, parts),
        _share(said, done, total),
    )


def known(values: Iterable[float | None]) -> float | None:
    """The sum of what is known; None where nothing is. No sum is ever negative or endless."""
    found = [value for value in values if value is not None and isfinite(value) and value >= 0]
    return sum(found) if found else None


def share_of(part: ProgressPart) -> float | None:
    """How much of one part is done, 0 to 1."""
    if part.state == "done":
        return 1.0
    share = ratio(part.bytes, part.bytes_total)
    return share if share is not None else ratio(part.done, part.total)


def ratio(done: float | None, total: float | None) -> float | None:
    """0 to 1; None where it cannot be known."""
    if done is None or not total or not isfinite(done) or not isfinite(total) or total < 0:
        return None
    return min(1.0, max(0.0, done / total))


def _share(said: Progress, done: float | None, total: float | None) -> float | None:
    for share in (ratio(done, total), ratio(said.done, said.total)):
        if share is not None:
            return share
    return ratio(sum(part.state in ENDED for part in said.parts), len(said.parts))


def _eta(
    view: WorkerView,
    done: float | None,
    total: float | None,
    rate: float | None,
    parts: Sequence[ProgressPart],
) -> float | None:
    if not view.live:
        return None
    if rate and total is not None and done is not None:
        return max(0.0, total - done) / rate
    if not any(part.state == "waiting" for part in parts):
        found = [part.eta_s for part in parts if part.eta_s is not None and isfinite(part.eta_s)]
        if found:
            return max(found)
    return view.eta_s
