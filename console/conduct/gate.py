"""Workers that run a repository's code: started again after it changed, and watched until they get on."""

from __future__ import annotations

import asyncio
import os.path
from collections.abc import Sequence
from dataclasses import dataclass, field

from console.errors import QuarterdeckError
from console.fleet.workers import WorkerView
from console.fleet.workers.health import CRASH_LOOP, STALLED, WRITER_BLOCKED
from console.fleet.workers.words import actual
from console.operations.outcomes import Target
from console.runtime import Runtime

SETTLED_S = 3.0  # one that says nothing of its progress must have run so long
_LOOK_EVERY_S = 0.5
_ILL = frozenset({CRASH_LOOP, STALLED, WRITER_BLOCKED})


@dataclass
class _Watched:
    """A worker after its restart. `counts`: it told of progress before."""

    target: Target
    attempt: int
    counts: bool
    first: float | None = None
    seen: bool = field(default=False)


async def of_repository(runtime: Runtime, node: str, path: str) -> list[WorkerView]:
    """The workers of a node that run in a repository, and ran well. Those that bring our own code along are none."""
    found = []
    root = runtime.store.nodes[node].spec.root
    for view in runtime.store.workers_of(node):
        well = view.record.state == "running" and view.health not in _ILL
        if not well or view.record.kind != "worker":
            continue
        try:
            spec = (await runtime.workers.describe(view.key, 0)).spec
        except QuarterdeckError:
            continue
        if not spec.code and within(spec.directory, path, root):
            found.append(view)
    return found


def within(directory: str, path: str, root: str) -> bool:
    """Whether a worker's directory is a repository, or lies in it. Both are relative to the node's root."""
    place, repository = _whole(directory, root), _whole(path, root)
    return place == repository or place.startswith(repository.rstrip("/") + "/")


def _whole(path: str, root: str) -> str:
    for base in (root, "~"):
        if not path.startswith(("/", "~")):
            path = f"{base or '~'}/{path}"
    return os.path.normpath(path)


async def again(runtime: Runtime, views: Sequence[WorkerView], within_s: float) -> dict[str, str]:
    """Starts them again and waits until each progresses; those that do not, and why, by name@node."""
    watched = [
        _Watched(
            Target.of(view.node, view.record), view.record.attempt,
            view.record.progress is not None and view.record.progress.done is not None,
        )
        for view in views
    ]  # fmt: skip
    outcomes = await runtime.workers.act([one.target for one in watched], "restart")
    bad = {str(one.target): o.text for one, o in zip(watched, outcomes, strict=True) if not o.done}
    waiting = [one for one in watched if str(one.target) not in bad]
    deadline = asyncio.get_running_loop().time() + within_s
    while waiting and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(_LOOK_EVERY_S)
        for one in tuple(waiting):
            verdict = _judged(runtime, one)
            if verdict is not None:
                waiting.remove(one)
                bad.update({str(one.target): verdict} if verdict else {})
    for one in waiting:
        bad[str(one.target)] = f"no progress within {within_s:.0f} s: {_now(runtime, one)}"
    return bad


def _judged(runtime: Runtime, one: _Watched) -> str | None:
    """ "" where it gets on, why where it will not, None where that is not known yet."""
    view = _view(runtime, one)
    if view is None or not view.reachable or view.record.attempt <= one.attempt:
        return None
    record = view.record
    if record.state in ("lost", "exited", "stopped") or view.health in _ILL:
        return f"it does not run well: {actual(record)}{', ' + view.reason if view.reason else ''}"
    if record.state != "running":
        return None
    if not one.counts:
        return "" if (view.running_s or 0.0) >= SETTLED_S else None
    done = record.progress.done if record.progress else None
    if done is None:
        return None
    if not one.seen:
        one.first, one.seen = done, True
    return "" if done != one.first else None


def _view(runtime: Runtime, one: _Watched) -> WorkerView | None:
    views = runtime.store.workers_of(one.target.node, earlier=True)
    return next((view for view in views if view.record.run_id == one.target.run_id), None)


def _now(runtime: Runtime, one: _Watched) -> str:
    view = _view(runtime, one)
    return actual(view.record) if view else "no longer known"
