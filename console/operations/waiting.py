"""Waiting for what the nodes report: never longer than asked, never by looking again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from console.fleet.workers.view import LIVE
from console.fleet.workers.words import actual
from console.operations.outcomes import Outcome, Target, Verdict
from workers.protocol import WorkerRecord

if TYPE_CHECKING:
    from console.fleet.store import FleetStore

# True: reached; False: it cannot be reached any more; None: not yet.
Goal = Callable[[WorkerRecord], bool | None]


def is_over(record: WorkerRecord) -> bool | None:
    """Nothing of it is left, and none of it will come back by itself."""
    return True if record.state not in LIVE and not record.kill_pending else None


def is_running(record: WorkerRecord) -> bool | None:
    """It runs; one that ended instead will not."""
    if record.state == "running":
        return True
    return None if record.state in LIVE else False


def runs_again(after: int) -> Goal:
    """An attempt later than `after` runs."""
    return lambda record: is_running(record) if record.attempt > after else None


async def until(store: FleetStore, holds: Callable[[], bool], timeout_s: float) -> bool:
    """Waits until `holds()` of what the store knows; False when the time ran out first."""
    changed = asyncio.Event()
    unsubscribe = store.subscribe(lambda _: changed.set())
    try:
        return await asyncio.wait_for(_until(holds, changed), timeout_s)
    except asyncio.TimeoutError:
        return holds()
    finally:
        unsubscribe()


def record_of(store: FleetStore, node: str, run_id: str) -> WorkerRecord | None:
    """The run as last reported; None where it is not known (yet, or any more)."""
    known = store.nodes.get(node)
    for record in known.workers.workers if known and known.workers else ():
        if record.run_id == run_id:
            return record
    return None


async def _until(holds: Callable[[], bool], changed: asyncio.Event) -> bool:
    while not holds():
        changed.clear()
        await changed.wait()
    return True


async def reached(
    store: FleetStore, targets: Iterable[Target], goal: Goal, timeout_s: float
) -> tuple[Outcome, ...]:
    """Waits until each run is where `goal` wants it, or cannot come there; the outcome of each says which."""
    chosen = tuple(targets)

    def settled() -> bool:
        records = (record_of(store, one.node, one.run_id) for one in chosen)
        return all(record is not None and goal(record) is not None for record in records)

    await until(store, settled, timeout_s)
    return tuple(_outcome(store, one, goal, timeout_s) for one in chosen)


def _outcome(store: FleetStore, one: Target, goal: Goal, timeout_s: float) -> Outcome:
    record = record_of(store, one.node, one.run_id)
    well = goal(record) if record is not None else None
    if record is not None and well is not None:
        verdict = Verdict.DONE if well else Verdict.FAILED
        return Outcome(one.node, one.name, verdict, actual(record), one.run_id, record)
    node = store.nodes.get(one.node)
    if node is None or node.state != "up":
        why = node.reason or node.state if node else "it is not watched any more"
        text = f"{one.node} cannot be asked: {why}"
        return Outcome(one.node, one.name, Verdict.UNREACHABLE, text, one.run_id, record)
    now = actual(record) if record else "not reported yet"
    text = f"after {timeout_s:.0f} s: {now}"
    return Outcome(one.node, one.name, Verdict.FAILED, text, one.run_id, record)
