"""The jobs that run now, in one figure for the summary line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from console.fleet.jobs.amount import amount
from console.fleet.jobs.words import RUNNING, section_of
from console.fleet.workers import WorkerView


class RunningJobs(NamedTuple):
    """`share`: of all of them together, 0 to 1; None until every one of them knows how far it is."""

    running: int = 0
    share: float | None = None
    unwell: int = 0


def running_jobs(views: Iterable[WorkerView]) -> RunningJobs:
    """Of the jobs among `views`; what a node that does not answer does is not known, and not counted."""
    found = [
        view
        for view in views
        if view.record.kind == "job" and view.reachable and section_of(view.record) == RUNNING
    ]
    shares = [amount(view).share for view in found]
    known = [share for share in shares if share is not None]
    whole = sum(known) / len(known) if known and len(known) == len(found) else None
    return RunningJobs(len(found), whole, sum(view.unwell for view in found))
