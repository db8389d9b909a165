"""The verbs for jobs: what is defined, its plan, starting, cancelling, doing again what was not done."""

from __future__ import annotations

import asyncio
import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from console.backends.backend import Backend
from console.errors import QuarterdeckError, Refused, RequestFailed, UsageError
from console.fleet.jobs import JobRow, Planned, job_rows
from console.fleet.model import Attention, Detached, Down, Stale, Up
from console.fleet.store import FleetStore
from console.fleet.workers import WorkerView
from console.operations import locks
from console.operations.jobs import asking
from console.operations.jobs.document import Stamp, document
from console.operations.jobs.due import next_in_s
from console.operations.jobs.fences import Fences
from console.operations.jobs.hosts import Ways, hosts
from console.operations.jobs.plan import JobPlan, shares_of, texts
from console.operations.jobs.schedule import NAME as SCHEDULE
from console.operations.jobs.schedule import schedule_spec
from console.operations.jobs.selection import Selection, select
from console.operations.jobs.spec import pieces, spec_of
from console.operations.outcomes import Outcome, Target, Verdict, failure
from console.operations.provision import with_cure
from console.operations.recipes import new_run_id
from console.operations.waiting import record_of, until
from console.operations.workers import Key, WorkerOperations
from workers.protocol import WorkerReply, WorkerSpec

if TYPE_CHECKING:
    from console.settings.jobs import JobSettings
    from console.settings.model import Settings

UP_WITHIN_S = 15.0
_COUNTED = ("schema", "job", "kind", "run", "does", "hosts", "never", "warnings", "refusals")


class JobOperations:
    """`orchestrator` gives the name of this machine's node, `ways` how ssh reaches the others, `wall` the time,
    `config` the settings that a person named, for what runs as a console of its own."""

    def __init__(
        self,
        workers: WorkerOperations,
        store: FleetStore,
        settings: Callable[[], Settings],
        orchestrator: Callable[[], str],
        ways: Ways,
        wall: Callable[[], float],
        config: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._workers = workers
        self._store = store
        self._settings = settings
        self._orchestrator = orchestrator
        self._ways = ways
        self._wall = wall
        self._config = config
        self._fences = Fences(wall)
        self._turn = asyncio.Lock()  # of starts

    # ------------------------------------------------------------ looking

    def definitions(self) -> tuple[JobSettings, ...]:
        """The jobs of the settings, one's own first."""
        return self._settings().jobs

    def names(self) -> tuple[str, ...]:
        return tuple(job.name for job in self.definitions())

    def job(self, name: str) -> JobSettings:
        """Raises UsageError for a name that no job has."""
        found = next((job for job in self.definitions() if job.name == name), None)
        if found is not None:
            return found
        near = difflib.get_close_matches(name, self.names(), 1)
        meant = f"did you mean {near[0]}?" if near else "`jobs list` lists them"
        raise UsageError(f"there is no job named {name}; {meant}")

    def planned(self) -> tuple[Planned, ...]:
        """Every job of the settings, with when its schedule is due next and what stands against it."""
        now = self._wall()
        return tuple(
            Planned(job.name, job.kind, job.schedule or "", next_in_s(job, now), self._off(job))
            for job in self.definitions()
        )

    def rows(self) -> tuple[JobRow, ...]:
        """What runs, waits, is scheduled and is over, in this order."""
        return job_rows(self._views(), self.planned())

    def runs(self, name: str) -> tuple[WorkerView, ...]:
        """The runs of a job that are known, the newest first."""
        found = [view for view in self._views() if view.name == name]
        return tuple(sorted(found, key=lambda v: v.record.started_at or 0.0, reverse=True))

    def _views(self) -> list[WorkerView]:
        found: dict[str, WorkerView] = {}
        for node in self._store.nodes:
            for view in self._store.workers_of(node, earlier=True):
                if view.record.kind == "job":  # two entries of one machine tell of the same runs
                    found.setdefault(view.record.run_id, view)
        return list(found.values())

    def _off(self, job: JobSettings) -> str:
        """Why it would be refused for sync_disabled; "" where it would not."""
        node = job.destination.node or "local"
        return self._settings().sync_off(node) if job.kind == "sync" else ""

    # ------------------------------------------------------------ planning

    async def document(self, name: str, nodes: Sequence[str] | None = None) -> dict[str, Any]:
        """The orders of one run of it, on `nodes` (names or selectors) of its sources. Raises UsageError."""
        return (await self._ordered(self.job(name), nodes or ()))[0]

    async def plan(self, one: str | JobSettings, nodes: Sequence[str] | None = None) -> JobPlan:
        """What a run of a job, by its name or as it is given, would do, as its own code says; nothing is changed.

        Raises UsageError, LinkError where no node could be asked, RequestFailed where there is no plan.
        """
        job = self.job(one) if isinstance(one, str) else one
        if job.may_go_there and (job.destination.node or "") in self._store.nodes:
            there = await self._plan_there(job, nodes)
            if there is not None:
                return there
        return await self._plan(job, nodes)

    async def _plan_there(self, job: JobSettings, nodes: Sequence[str] | None) -> JobPlan | None:
        """That of the same job on its destination; None where that machine does not reach, with what it has
        itself, each source that is up."""
        try:
            plan = await self._plan(job.model_copy(update={"run_on": "destination"}), nodes)
        except QuarterdeckError:
            return None
        up = {name for name, node in self._store.nodes.items() if isinstance(node.link, Up)}
        reached = {share.name for share in plan.hosts if share.problem is None}
        meant = up.intersection(plan.document["sources"])
        return plan if plan.ok and meant and meant <= reached else None

    async def _plan(self, job: JobSettings, nodes: Sequence[str] | None) -> JobPlan:
        orders, chosen = await self._ordered(job, nodes or ())
        node = self._store.nodes[chosen.here]
        spec = spec_of(job, orders, node.spec)
        bare = JobPlan(job, chosen.here, spec, orders, warnings=chosen.notes)
        if chosen.refusals:
            return replace(bare, refusals=chosen.refusals)
        if chosen.here == self._orchestrator():
            said = await asking.ask_here(spec, orders)
            return _told(bare, said)
        check = await self._workers.reach.backend(chosen.here).check(spec)
        if check.refusals:
            return replace(bare, refusals=with_cure(chosen.here, spec, check.refusals))
        return _told(bare, await asking.ask_there(self._workers, chosen.here, spec))

    async def _ordered(
        self, job: JobSettings, nodes: Sequence[str]
    ) -> tuple[dict[str, Any], Selection]:
        here = self._orchestrator()
        known, settings = self._store.nodes, self._settings()
        await self._settled(here)
        chosen = select(job, settings, known, here, nodes)
        names = (*chosen.sources, chosen.destination, chosen.here)
        found = await hosts(job, names, known, chosen.here, self._ways)
        stamp = Stamp(new_run_id(), self._workers.reach.acts.who, self._fences.next())
        orders = document(job, stamp, chosen, found, settings, known)
        if job.conducted:
            orders["settings"] = {"config": self._config()}
        return orders, chosen

    async def _settled(self, here: str) -> None:
        """Waits until each node has a link or a reason for none, so that its key and twins are known."""
        ready = (Up, Stale, Down, Attention, Detached)
        nodes = self._store.nodes

        def settled() -> bool:
            return isinstance(nodes[here].link, Up) and all(
                isinstance(node.link, ready) for node in nodes.values()
            )

        await until(self._store, settled, UP_WITHIN_S)

    # ------------------------------------------------------------ doing

    async def start(self, plan: JobPlan) -> Outcome:
        """Starts it on its node; done once it runs there, not once it is over."""
        target = Target(plan.node, plan.spec.run_id, plan.name)
        sources = plan.document["sources"]
        argv = [plan.name, plan.spec.run_id, "--nodes", ",".join(sources)]
        try:
            async with self._workers.reach.acts.action(plan.node, "jobs.start", argv) as act:
                if plan.refusals:
                    raise Refused("; ".join(plan.refusals))
                async with self._turn:
                    reply = await self._started(plan)
                act.result = reply.record.state
        except QuarterdeckError as error:
            return failure(target, error)
        return Outcome(
            plan.node, plan.name, Verdict.DONE, "started", plan.spec.run_id, reply.record,
            reply.notes,
        )  # fmt: skip

    def _fenced(self, plan: JobPlan) -> WorkerSpec:
        """The run with its place among the starts: others may have gone on since the plan was made."""
        where = plan.document["destination"]
        local = where["node"] == self._orchestrator()
        fence = self._fences.next(where["path"] if local else None)
        return plan.spec._replace(input=pieces({**plan.document, "fence": fence}))

    async def _started(self, plan: JobPlan) -> WorkerReply:
        known = record_of(self._store, plan.node, plan.spec.run_id)
        if known is not None:  # the same plan again is the same run
            return WorkerReply(known)
        reach, spec = self._workers.reach, self._fenced(plan)
        held = await locks.against(spec, self._store, self._settings())
        if held:
            raise Refused("; ".join(held))

        async def send(backend: Backend) -> WorkerReply:
            return await backend.start(spec)

        check = await reach.backend(plan.node).check(spec)
        if check.refusals:
            raise Refused("; ".join(with_cure(plan.node, plan.spec, check.refusals)))
        reply = await reach.surely(plan.node, send)
        reach.told(plan.node, reply.record)
        return reply

    async def start_schedule(self) -> Outcome:
        """Starts the worker that starts jobs when they are due; one that runs already is said."""
        node = self._orchestrator()
        await self._settled(node)
        reach = self._workers.reach
        spec = schedule_spec(new_run_id(), reach.acts.who, self._config())
        target = Target(node, spec.run_id, spec.name)
        try:
            async with reach.acts.action(node, "jobs.schedule", [spec.run_id]) as act:
                reply = await reach.surely(node, lambda backend: backend.start(spec))
                act.result = reply.record.state
                reach.told(node, reply.record)
        except QuarterdeckError as error:
            return failure(target, error)
        return Outcome(node, spec.name, Verdict.DONE, "started", spec.run_id, reply.record)

    def schedule(self) -> WorkerView | None:
        """The newest run of that worker; None where it never ran."""
        views = self._store.workers_of(self._orchestrator())
        found = (view for view in views if view.name == SCHEDULE and view.record.kind != "job")
        return next((view for view in found if view.newest), None)

    async def cancel(self, one: Target | Key) -> Outcome:
        """Asks a run to end; what it finished stays, and another run goes on from there. Raises UsageError."""
        (outcome,) = await self._workers.act([one], "stop")
        return outcome

    async def retry(self, one: Target | Key) -> JobPlan:
        """The plan of the same job for those nodes that a run did not finish. Raises as `plan`."""
        target = self._workers.target(one)
        details = await self._workers.describe(target, 0)
        if not details.record.ended_at:
            raise UsageError(f"{target} is not over; `jobs cancel {target.name}` ends it")
        said = details.record.progress
        done = (
            {part.name for part in said.parts if part.state in ("done", "skipped")} if said else ()
        )
        left = [node for node in _sources(details.spec.input) if node not in done]
        if not left:
            raise UsageError(f"{target}: nothing is left to be done again")
        return await self.plan(target.name, left)

    def find(self, word: str) -> Target:
        """The run that a person means: a job's name (its newest run), or the beginning of a run id."""
        views = self.runs(word)
        if not views and len(word) >= 6:
            views = tuple(v for v in self._views() if v.record.run_id.startswith(word))
        if not views:
            raise UsageError(f"there is no run of a job '{word}'; `jobs list` lists them")
        return Target.of(views[0].node, views[0].record)


def _told(plan: JobPlan, said: Mapping[str, Any]) -> JobPlan:
    return replace(
        plan,
        does=str(said.get("does", "")),
        hosts=shares_of(said),
        never=texts(said.get("never")),
        warnings=(*plan.warnings, *texts(said.get("warnings"))),
        refusals=texts(said.get("refusals")),
        numbers={key: value for key, value in said.items() if key not in _COUNTED},
    )


def _sources(pieces: Sequence[str]) -> list[str]:
    """The sources of the document that a run was started with."""
    try:
        found = json.loads("".join(pieces))["sources"]
    except (ValueError, KeyError, TypeError):
        raise RequestFailed("failed", "the orders of that run cannot be read any more") from None
    return list(texts(found))
