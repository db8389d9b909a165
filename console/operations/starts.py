"""Starting workers: the nodes are asked first, then everything starts at once, each run exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from console.errors import QuarterdeckError, Refused
from console.fleet.model import Attention, Detached, Down
from console.fleet.workers.reported import is_reachable
from console.operations import locks
from console.operations.outcomes import Outcome, Target, Verdict, failure, verdict_of
from console.operations.provision import with_cure
from console.operations.reach import Reach
from console.operations.recipes import StartRequest, shown
from console.operations.start_plan import PlannedStart, StartPlan, planned
from console.operations.waiting import until
from workers.protocol import WorkerCheck, WorkerSpec

if TYPE_CHECKING:
    from console.settings.model import Settings

TOLD_WITHIN_S = 10.0  # what runs on a node is waited for
AT_ONCE = 8  # starts or checks under way on one node, which makes processes side by side

_Thing = TypeVar("_Thing")
_Result = TypeVar("_Result")


class Starts:
    """`settings` gives those that hold now."""

    def __init__(self, reach: Reach, settings: Callable[[], Settings]) -> None:
        self._reach = reach
        self._settings = settings

    def plan(self, request: StartRequest) -> StartPlan:
        """What would start, as far as is known without asking a node. Raises UsageError."""
        return planned(
            request, self._settings().presets, self._reach.store.nodes, self._reach.acts.who
        )

    # ------------------------------------------------------------ asking

    async def check(self, plan: StartPlan) -> StartPlan:
        """The plan with what the nodes say to it; nothing is changed anywhere."""
        await self._told(plan.nodes)
        found = await asyncio.gather(*(self._check_on(node, plan) for node in plan.nodes))
        starts = tuple(start for on_node, _ in found for start in on_node)
        notes = dict.fromkeys((*plan.warnings, *(note for _, said in found for note in said)))
        against = plan.against or await self._held(plan.starts[0].spec)
        return replace(plan, starts=starts, warnings=tuple(notes), against=against)

    async def _told(self, nodes: Sequence[str]) -> None:
        store = self._reach.store

        def settled() -> bool:
            known = [store.nodes[name] for name in nodes if name in store.nodes]
            gone = (Down, Attention, Detached)
            return all(is_reachable(node) or isinstance(node.link, gone) for node in known)

        await until(store, settled, TOLD_WITHIN_S)

    async def _check_on(self, node: str, plan: StartPlan) -> tuple[list[PlannedStart], list[str]]:
        """Asks about each run of one node; the first asks for the GPUs of all."""
        starts = [start for start in plan.starts if start.node == node]
        asked = [start.spec for start in starts]
        asked[0] = asked[0]._replace(gpus=sum(spec.gpus for spec in asked))
        try:
            checks = await _side_by_side(AT_ONCE, asked, self._reach.backend(node).check)
        except QuarterdeckError as error:
            why, verdict = (str(error),), verdict_of(error)
            return [replace(start, refusals=why, verdict=verdict) for start in starts], []
        notes = [f"{node}: {note}" for check in checks for note in check.notes]
        return [_checked(start, check) for start, check in zip(starts, checks, strict=True)], notes

    async def _held(self, spec: WorkerSpec) -> tuple[str, ...]:
        """Why the fleet's lock cannot be had; a node's own lock is the node's to check."""
        if not spec.singleton or spec.singleton_scope != "fleet":
            return ()
        return await locks.against(spec, self._reach.store, self._settings())

    # ------------------------------------------------------------ doing it

    async def start(self, plan: StartPlan) -> tuple[Outcome, ...]:
        """Starts what nothing stands against: all nodes at once, on each some at a time. Each run has its outcome."""
        done = await asyncio.gather(*(self._start_on(node, plan) for node in plan.nodes))
        return tuple(outcome for outcomes in done for outcome in outcomes)

    async def _start_on(self, node: str, plan: StartPlan) -> list[Outcome]:
        starts = [start for start in plan.starts if start.node == node]
        # Of those that may only be one, the first wins.
        width = 1 if any(start.spec.singleton for start in starts) else AT_ONCE
        return await _side_by_side(
            width, starts, lambda start: self._start_one(start, plan.against)
        )

    async def _start_one(self, start: PlannedStart, against: tuple[str, ...]) -> Outcome:
        node, spec = start.node, start.spec
        target = Target(node, spec.run_id, spec.name)
        argv = [spec.name, spec.run_id, "--", *spec.command]
        try:
            async with self._reach.acts.action(node, "workers.start", argv) as act:
                if (
                    against or start.refusals
                ):  # nothing is sent; that it was wanted is on the record
                    verdict = Verdict.REFUSED if against else start.verdict
                    text = "; ".join((*against, *start.refusals))
                    act.result = f"{verdict.value}: {text}"
                    return Outcome(node, spec.name, verdict, text, spec.run_id)
                held = await self._held(spec)  # it may have been taken since the plan was made
                if held:
                    raise Refused("; ".join(held))
                reply = await self._reach.surely(node, lambda backend: backend.start(spec))
                act.result = reply.record.state
                self._reach.told(node, reply.record)
        except QuarterdeckError as error:
            return failure(target, error)
        return Outcome(
            node, spec.name, Verdict.DONE, "started", spec.run_id, reply.record, reply.notes
        )


async def _side_by_side(
    width: int, things: Sequence[_Thing], work: Callable[[_Thing], Awaitable[_Result]]
) -> list[_Result]:
    """The results in the order of `things`; `width` of them under way at a time. Raises what `work` raises."""
    room = asyncio.Semaphore(width)

    async def one(thing: _Thing) -> _Result:
        async with room:
            return await work(thing)

    return list(await asyncio.gather(*(one(thing) for thing in things)))


def _checked(start: PlannedStart, check: WorkerCheck) -> PlannedStart:
    return replace(
        start,
        shown=shown(start.spec, check.command),
        refusals=with_cure(start.node, start.spec, check.refusals),
        verdict=Verdict.REFUSED if check.refusals else Verdict.DONE,
        gpu_indices=check.gpu_indices,
    )
