"""Workers: what may be started, and the verbs for what runs. Each verb works on any set of runs of any nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from console.backends.agent import AgentBackend
from console.backends.backend import SUPERSEDED, Backend
from console.errors import QuarterdeckError, RequestFailed, UsageError
from console.fleet.store import FleetStore
from console.operations import targets as naming
from console.operations.acts import Acts
from console.operations.outcomes import Outcome, Target, Verdict, failure
from console.operations.reach import Reach
from console.operations.recipes import StartRequest, new_run_id
from console.operations.rolling import Rolling
from console.operations.start_plan import PlannedStart, StartPlan
from console.operations.starts import Starts
from console.operations.waiting import Goal, reached, record_of
from console.sessions.session import Session
from workers.protocol import (
    AdoptProcess,
    CommandWorker,
    Orphan,
    OrphanReport,
    WorkerDetails,
    WorkerRecord,
    WorkerReply,
)

if TYPE_CHECKING:
    from console.settings.model import Settings
    from console.settings.presets import PresetSettings

__all__ = [
    "ACTS", "FORCE", "Outcome", "PlannedStart", "StartPlan", "StartRequest", "Target", "Verdict",
    "WorkerOperations",
]  # fmt: skip

ACTS = ("stop", "kill", "restart", "restart_force", "drain")
FORCE = frozenset({"kill", "restart_force"})
Key = tuple[str, str]  # (node, run id), as a view has it
AT_ONCE = 16  # commands on their way to one node; a request more waits its turn


class WorkerOperations:
    def __init__(
        self,
        acts: Acts,
        store: FleetStore,
        settings: Callable[[], Settings],
        backends: Callable[[Session], Backend] = AgentBackend,
    ) -> None:
        self._acts = acts
        self._store = store
        self._settings = settings
        self.reach = Reach(acts, store, backends)
        self._starts = Starts(self.reach, settings)
        self._sequences: dict[str, int] = {}  # of runs we commanded: newer than what was reported
        self._rooms: dict[str, asyncio.Semaphore] = {}

    # ------------------------------------------------------------ starting

    def presets(self) -> tuple[PresetSettings, ...]:
        """The recipes of the settings."""
        return self._settings().presets

    def plan(self, request: StartRequest) -> StartPlan:
        """What would start where, with its exact command; no node is asked. Raises UsageError."""
        return self._starts.plan(request)

    async def check(self, plan: StartPlan) -> StartPlan:
        """The same plan with what the nodes say to it: refusals, warnings, free GPUs, the interpreter."""
        return await self._starts.check(plan)

    async def start(self, plan: StartPlan) -> tuple[Outcome, ...]:
        """Starts it, on all nodes at once; what something stands against is refused and the rest starts."""
        return await self._starts.start(plan)

    # ------------------------------------------------------------ naming

    def find(self, words: Sequence[str], nodes: Iterable[str] = ()) -> tuple[Target, ...]:
        """The runs that a person's words mean (see `targets.find`). Raises UsageError."""
        every = [view for name in self._store.nodes for view in self._store.workers_of(name)]
        return naming.find(words, every, nodes)

    def target(self, one: Target | Key) -> Target:
        """The run as last reported. Raises UsageError where it is not known."""
        if isinstance(one, Target):
            return one
        record = record_of(self._store, *one)
        if record is None:
            raise UsageError(f"{one[0]} has no run {one[1][:12]} any more")
        return Target.of(one[0], record)

    # ------------------------------------------------------------ acting

    async def act(
        self,
        targets: Iterable[Target | Key],
        act: str,
        *,
        grace_s: float | None = None,
        batch: int = 0,
    ) -> tuple[Outcome, ...]:
        """stop, kill, restart, restart_force or drain on each; done where it is durably wanted on its node.

        `batch` > 0, of a restart: so many at a time, the next when these run healthily again, none after a
        failure. Raises UsageError for another act.
        """
        if act not in ACTS:
            raise UsageError(f"{act}: wanted one of {', '.join(ACTS)}")
        chosen = [self.target(one) for one in targets]
        if batch > 0 and act in ("restart", "restart_force"):
            return await Rolling(self, self._store).run(chosen, act, batch, grace_s)
        return tuple(await asyncio.gather(*(self._act(one, act, grace_s) for one in chosen)))

    async def wait(
        self, targets: Iterable[Target | Key], goal: Goal, timeout_s: float
    ) -> tuple[Outcome, ...]:
        """Waits until each run is where `goal` (`waiting.is_over` and its like) wants it; says of each if it is."""
        chosen = [one if isinstance(one, Target) else Target(*one, "") for one in targets]
        return await reached(self._store, chosen, goal, timeout_s)

    async def stop_run(self, node: str, run_id: str) -> Outcome:
        """Stops a run of our own that may not have been reported yet."""
        return await self._act(Target(node, run_id, run_id[:12]), "stop", None)

    async def _act(self, target: Target, act: str, grace_s: float | None) -> Outcome:
        argv = [
            target.name,
            target.run_id,
            *((f"grace={grace_s:g}",) if grace_s is not None else ()),
        ]
        try:
            async with self._acts.action(target.node, f"workers.{act}", argv) as entry:
                reply = await self._command(target, act, grace_s)
                entry.result = f"wanted: {reply.record.desired}"
        except QuarterdeckError as error:
            return failure(target, error)
        return self._outcome(target, reply)

    async def _command(self, target: Target, act: str, grace_s: float | None) -> WorkerReply:
        """A lost reply is asked for again; what we did the first time is not taken for another's doing."""
        expected = self._expected(target)
        command = CommandWorker(target.run_id, act, self._acts.who, grace_s, expected)
        sent = False

        async def send(backend: Backend) -> WorkerReply:
            nonlocal sent
            again, sent = sent, True
            try:
                return await backend.command(command)
            except RequestFailed as error:
                record = again and error.code == SUPERSEDED and await self._ours(backend, target)
                if not record:
                    raise
                return WorkerReply(record)

        async with self._room(target.node):
            reply = await self.reach.surely(target.node, send)
        self._sequences[target.run_id] = reply.record.sequence
        return reply

    async def _ours(self, backend: Backend, target: Target) -> WorkerRecord | None:
        record = (await backend.describe(target.run_id, 0)).record
        return record if record.by == self._acts.who else None

    def _expected(self, target: Target) -> int | None:
        if target.sequence is None:
            return None
        return max(target.sequence, self._sequences.get(target.run_id, 0))

    def _outcome(self, target: Target, reply: WorkerReply) -> Outcome:
        record = reply.record
        return Outcome(
            target.node, target.name, Verdict.DONE, record.state, target.run_id, record, reply.notes
        )

    def _room(self, node: str) -> asyncio.Semaphore:
        return self._rooms.setdefault(node, asyncio.Semaphore(AT_ONCE))

    # ------------------------------------------------------------ looking, forgetting

    async def describe(self, one: Target | Key, points: int = 120) -> WorkerDetails:
        """All about one run. Raises RequestFailed, RequestLost, UsageError."""
        target = one if isinstance(one, Target) else Target(one[0], one[1], "")
        return await self.reach.surely(
            target.node, lambda backend: backend.describe(target.run_id, points)
        )

    async def forget(self, one: Target | Key) -> None:
        """Removes what its node keeps of a run that is over. Raises Refused, RequestFailed, RequestLost."""
        target = self.target(one)
        async with self._acts.action(target.node, "workers.forget", [target.name, target.run_id]):
            await self.reach.backend(target.node).forget(target.run_id)

    # ------------------------------------------------------------ orphans

    async def orphans(
        self, nodes: Sequence[str] = ()
    ) -> tuple[Mapping[str, OrphanReport], Mapping[str, str]]:
        """What each node (all, where none is named) found, and why the others could not be asked."""
        reports: dict[str, OrphanReport] = {}
        silent: dict[str, str] = {}

        async def ask(node: str) -> None:
            try:
                reports[node] = await self.reach.backend(node).orphans()
            except QuarterdeckError as error:
                silent[node] = str(error)

        await asyncio.gather(*(ask(node) for node in nodes or tuple(self._store.nodes)))
        return reports, silent

    async def adopt(self, node: str, orphan: Orphan, name: str = "") -> WorkerRecord:
        """Watches a process that nobody of us started. Raises Refused, RequestFailed, RequestLost, UsageError."""
        if orphan.pid is None or orphan.start_ticks is None:
            raise UsageError(f"{orphan.orphan_id} on {node} is no process that could be adopted")
        adoption = AdoptProcess(
            orphan.run_id or new_run_id(),
            orphan.pid,
            orphan.start_ticks,
            name or orphan.name or f"adopted-{orphan.pid}",
            self._acts.who,
        )
        argv = [adoption.name, str(orphan.pid), f"start={orphan.start_ticks}"]
        async with self._acts.action(node, "workers.adopt", argv):
            reply = await self.reach.surely(node, lambda backend: backend.adopt(adoption))
            self.reach.told(node, reply.record)
        return reply.record

    async def clear(self, node: str, orphan: Orphan, act: str) -> str:
        """One of an orphan's acts but adopting; what came of it, in words. Raises as `adopt`."""
        if act not in orphan.acts:
            raise UsageError(f"{act} does not apply to {orphan.why or orphan.orphan_id}")
        argv = [act, str(orphan.pid or ""), orphan.path or orphan.command or orphan.name]
        async with self._acts.action(node, "workers.clear", argv) as entry:
            done = await self.reach.backend(node).clear(orphan.orphan_id, act)
            entry.result = done.text or "done"
        return done.text
