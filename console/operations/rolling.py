"""A rolling restart: so many at a time, the next batch when this one runs healthily, none after a failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.fleet.workers.health import CRASH_LOOP, STALLED, WRITER_BLOCKED
from console.fleet.workers.words import actual
from console.operations.outcomes import Outcome, Target, Verdict
from console.operations.waiting import record_of, until

if TYPE_CHECKING:
    from console.fleet.store import FleetStore
    from console.operations.workers import WorkerOperations

SETTLED_S = 3.0  # it must have run so long
WITHIN_S = 300.0  # beyond its grace time
_ILL = frozenset({CRASH_LOOP, STALLED, WRITER_BLOCKED})


class Rolling:
    """One rolling restart."""

    def __init__(self, workers: WorkerOperations, store: FleetStore) -> None:
        self._workers = workers
        self._store = store

    async def run(
        self, targets: Sequence[Target], act: str, size: int, grace_s: float | None
    ) -> tuple[Outcome, ...]:
        """The outcome of each; those after a failed batch are refused and were not touched."""
        outcomes: list[Outcome] = []
        for place in range(0, len(targets), size):
            batch = targets[place : place + size]
            outcomes += await self._batch(batch, act, grace_s)
            failed = next((one for one in outcomes if not one.done), None)
            if failed is not None:
                text = f"not touched, because {failed.name}@{failed.node} failed: {failed.text}"
                rest = targets[place + size :]
                outcomes += [
                    Outcome(one.node, one.name, Verdict.REFUSED, text, one.run_id) for one in rest
                ]
                break
        return tuple(outcomes)

    async def _batch(
        self, batch: Sequence[Target], act: str, grace_s: float | None
    ) -> list[Outcome]:
        before = {one: self._attempt(one) for one in batch}
        asked = await self._workers.act(batch, act, grace_s=grace_s)
        going = {one: before[one] for one, done in zip(batch, asked, strict=True) if done.done}
        within_s = WITHIN_S + max((self._grace(one) for one in going), default=0.0)
        await until(
            self._store,
            lambda: all(self._settled(one, was) is not None for one, was in going.items()),
            within_s,
        )
        return [
            self._judge(one, outcome, going.get(one))
            for one, outcome in zip(batch, asked, strict=True)
        ]

    def _judge(self, target: Target, asked: Outcome, before: int | None) -> Outcome:
        if before is None:
            return asked
        record = record_of(self._store, target.node, target.run_id)
        well = self._settled(target, before)
        if well:
            return Outcome(target.node, target.name, Verdict.DONE, "running", target.run_id, record)
        now = actual(record) if record else "no longer known"
        text = f"it does not run again: {now}" if well is False else f"not in time: {now}"
        return Outcome(target.node, target.name, Verdict.FAILED, text, target.run_id, record)

    def _settled(self, target: Target, before: int) -> bool | None:
        """True where its new attempt runs well, False where it will not, None where that is not known yet."""
        view = next(
            (v for v in self._store.workers_of(target.node) if v.record.run_id == target.run_id),
            None,
        )
        if view is None or not view.reachable:
            return None
        record = view.record
        if record.state in ("lost", "exited") and record.attempt > before:
            return False
        if record.state == "stopped" and record.desired != "running":
            return False  # somebody stopped it meanwhile
        if record.attempt <= before or record.state != "running":
            return None
        if view.health in _ILL:
            return False
        return True if (view.running_s or 0.0) >= SETTLED_S else None

    def _attempt(self, target: Target) -> int:
        record = record_of(self._store, target.node, target.run_id)
        return record.attempt if record else 0

    def _grace(self, target: Target) -> float:
        record = record_of(self._store, target.node, target.run_id)
        return record.grace_s if record else 10.0
