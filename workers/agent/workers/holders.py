"""Who holds what on this node by our own records: names, singletons, GPUs."""

import time
from typing import Callable, Dict, Optional

from workers.protocol import WorkerSpec
from workers.supervisor.run import Run
from workers.supervisor.runs import Runs

_SETTLE_S = 3.0
_POLL_S = 0.02


def in_the_way(spec: WorkerSpec, runs: Runs, care: Callable[[Run], None]) -> str:
    """Why a second one is refused: a live run of that name or singleton; "" where there is none.

    ``care`` is called for a run whose supervisor is gone, so that its end is found out.
    """
    until = time.monotonic() + _SETTLE_S
    while True:
        holder = _holder(spec, runs)
        if holder is None:
            return ""
        if _lives(holder, care) or time.monotonic() >= until:
            return _words(spec, holder)
        time.sleep(_POLL_S)


def wait_until_over(run: Run) -> bool:
    """Whether it turns out within some seconds that nothing of it lives. For a run somebody looks after."""
    until = time.monotonic() + _SETTLE_S
    while run.condition().live or run.is_held():
        if time.monotonic() >= until:
            return False
        time.sleep(_POLL_S)
    return True


def gpus(runs: Runs) -> Dict[int, str]:
    """Which run holds each GPU."""
    return {
        index: f"{run.spec().name} (run {run.run_id})"
        for run in runs.all()
        if run.spec().gpu_indices and (run.condition().live or run.is_held())
        for index in run.spec().gpu_indices
    }


def _holder(spec: WorkerSpec, runs: Runs) -> Optional[Run]:
    for run in runs.all():
        theirs = run.spec()
        same = theirs.name == spec.name
        same = same or bool(spec.singleton and theirs.singleton == spec.singleton)
        if same and (run.condition().live or run.is_held()):
            return run
    return None


def _lives(run: Run, care: Callable[[Run], None]) -> bool:
    """False while it may turn out that nothing is left of it: it is ending, or nobody watches it."""
    if not run.is_held():
        care(run)
        return False
    return run.condition().live


def _words(spec: WorkerSpec, run: Run) -> str:
    theirs, now = run.spec(), run.condition()
    by = run.desired().by or theirs.by or "somebody"
    what = f"run {run.run_id}, {now.state}, started by {theirs.by or by}"
    if theirs.name == spec.name:
        return f"{spec.name} is on this node already: {what}. Stop it first, or take another name."
    return f"only one may hold {spec.singleton!r}, and {theirs.name} does ({what}). Stop it first."
