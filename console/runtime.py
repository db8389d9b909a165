"""The composition root: builds store, sessions and operations, keeps them going, and ends them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Literal

from console.channels.channel import Dialer
from console.channels.dialers import Dialers
from console.errors import UsageError
from console.fleet.events import ClockTicked, Event, LinkUp, NodeAdded, NodeRemoved
from console.fleet.model import NodeSpec, Transport
from console.fleet.store import FleetStore
from console.operations.acknowledgements import Acknowledgements
from console.operations.acts import Acts
from console.operations.audit import AuditLog
from console.operations.bulletin import BulletinBoard
from console.operations.commands import CommandOperations
from console.operations.datasets import DatasetOperations
from console.operations.detached import DetachedNodes
from console.operations.disks import DiskOperations
from console.operations.guard import Guard
from console.operations.history_cache import HistoryCache
from console.operations.jobs import JobOperations
from console.operations.kept_nodes import KeptNodes
from console.operations.ledger import LedgerOperations
from console.operations.ledger.cache import LedgerCache
from console.operations.ledger.keeper import keep_ledger
from console.operations.log_cache import LogCache
from console.operations.logs import LogOperations
from console.operations.nodes import NodeOperations
from console.operations.notify import Notifier
from console.operations.processes import ProcessOperations
from console.operations.workers import WorkerOperations
from console.sessions.aside import Aside
from console.sessions.clock import SYSTEM_CLOCK, Clock
from console.sessions.roaming import follow_addresses
from console.sessions.roster import Roster
from console.sessions.session import Session
from console.settings.hosts import LOCAL
from console.settings.load import Loaded
from console.settings.places import places
from workers.protocol import Configure, WatchWorkers

if TYPE_CHECKING:
    from console.channels.prompt import Prompter
    from console.settings.model import Settings

TICK_S = 0.5
KEEP_HISTORY_EVERY_S = 60.0
CLOSING_S = 2.0


class Runtime:
    """One console at work between `async with`. Everything happens in the loop that entered it.

    `dialers` replaces how nodes are reached (the demo, tests). `keep` false: nothing is kept on disk but
    the audit log. `notify` false: nobody is told of alerts, another console does that; jobs: only of jobs.
    """

    def __init__(
        self,
        loaded: Loaded,
        specs: Sequence[NodeSpec],
        *,
        prompter: Prompter | None = None,
        dialers: Callable[[NodeSpec], Dialer] | None = None,
        read_only: bool = False,
        clock: Clock = SYSTEM_CLOCK,
        keep: bool = True,
        notify: bool | Literal["jobs"] = True,
    ) -> None:
        self.loaded = loaded
        self.prompter = prompter
        self.store = FleetStore(self.settings.alert_rules())
        self.board = BulletinBoard(clock.wall)
        self.settings_fault: str | None = None  # why the last change of the settings was not taken
        self.reloads = 0
        self.failed_reloads = 0
        self._clock = clock
        self._keep = keep
        self._notify = notify
        self._first = tuple(specs)
        self._specs: dict[str, NodeSpec] = {}
        self._interests: dict[str, str] = {}
        self._interval = self.settings.interval
        self._tasks: list[asyncio.Task[None]] = []
        self._roads = Dialers(self.settings.ssh, prompter)
        self._dialers = dialers or self._roads
        self._roster = Roster(self._dialers, self._emit, clock)
        self.sessions: Mapping[str, Session] = self._roster.sessions
        self._build_operations(read_only)

    def _build_operations(self, read_only: bool) -> None:
        here = places(self.loaded.sources.environ) if self.loaded.sources else places()
        self._guard = Guard(read_only or self.settings.read_only)
        self._read_only_asked = read_only
        self.audit = AuditLog(
            here.audit, self._clock.wall, lambda text: self.board.post("error", text)
        )
        acts = self._acts = Acts(self.sessions, self._guard, self.audit)
        self._acknowledgements = Acknowledgements(here.acknowledged, self._clock.wall)
        self.processes = ProcessOperations(acts)
        self.disks = DiskOperations(acts)
        self.datasets = DatasetOperations(acts)
        self.workers = WorkerOperations(acts, self.store, lambda: self.settings)
        self.commands = CommandOperations(self.workers)
        self.jobs = JobOperations(
            self.workers,
            self.store,
            lambda: self.settings,
            self.orchestrator,
            lambda spec: self._roads.unattended(spec),
            self._clock.wall,
            self._named_config,
        )
        cache = LogCache(
            here.console_state / "logs",
            lambda: self.settings.retention.log_cache,
            lambda text: self.board.post("warning", text),
        )
        self.logs = LogOperations(self.workers.reach, cache if self._keep else None)
        self.nodes = NodeOperations(acts, self)
        self._aside = Aside(self._dialers, self._clock)
        self._ledger_cache = LedgerCache(here.console_state / "ledger.json") if self._keep else None
        self.ledger = LedgerOperations(
            self._ask_anyone,
            self.store,
            lambda: self.settings,
            self._own_name,
            self._clock,
            self._ledger_cache,
        )
        self._notifier = Notifier(
            self.settings.notify,
            self.store,
            self.board,
            self._clock.wall,
            lambda: {job.name: job.notify for job in self.settings.jobs},
            self._notify == "jobs",
        )
        kept = self.loaded.sources is not None and self._keep
        self._detached = DetachedNodes(
            KeptNodes(here.console_state, self.loaded.sources.path)
            if kept and self.loaded.sources
            else None,
            self.store,
            self._clock,
            lambda: frozenset(spec.name for spec in self.settings.node_specs()),
            self.board,
        )
        self._history = HistoryCache(here.console_state / "history.sqlite", self.board)

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    def _named_config(self) -> str | None:
        sources = self.loaded.sources
        return str(sources.path) if sources is not None and sources.required else None

    @property
    def read_only(self) -> bool:
        return self._guard.read_only

    @property
    def specs(self) -> Mapping[str, NodeSpec]:
        """What each node was told to be."""
        return MappingProxyType(self._specs)

    @property
    def roads(self) -> Dialers:
        """How nodes are reached; its `network` is what the SSH nodes share."""
        return self._roads

    # ------------------------------------------------------------ life

    async def __aenter__(self) -> Runtime:
        for spec in self._first:
            self._admit(spec)
        if self.loaded.sources is not None and not self.loaded.sources.hosts:
            self._detached.restore()
        await self._open_first()
        self._start(self._tick(), "clock")
        self._start(follow_addresses(self.sessions), "addresses")
        if self._notify:
            self._start(self._notifier.run(), "notify")
        if self._ledger_cache is not None:
            self._ledger_cache.recall(self.store, self._clock.monotonic())
            self._start(keep_ledger(self.ledger, self.store, self._clock), "ledger")
        if self._keep:
            self._start(self._keep_history(), "history")
            self._start(self._detached.keep(), "detached")
            self._start(self._acknowledgements.keep(self.store), "acknowledgements")
        if self.loaded.sources is not None:
            self._start(self._watch_settings(), "settings")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._keep:
            self._save_history()
            self._detached.note()
        self.commands.close()
        closing = [self._roster.end(name) for name in tuple(self.sessions)]
        for task in self._tasks:
            task.cancel()
        ends = [asyncio.ensure_future(end) for end in closing]
        if waiting := [*self._tasks, *ends]:
            await asyncio.wait(waiting, timeout=CLOSING_S)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._aside.close(), CLOSING_S)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._roads.close(), CLOSING_S)
        await self._history.close()
        await self.logs.close()
        self._tasks.clear()

    # ------------------------------------------------------------ nodes

    async def _open_first(self) -> None:
        """This machine's agent starts while the SSH library is loaded for the others."""
        first = [spec for spec in self._specs.values() if spec.transport is not Transport.SSH]
        others = [spec for spec in self._specs.values() if spec.transport is Transport.SSH]
        for spec in first:
            self._open_session(spec)
        if others and self._dialers is self._roads:
            await asyncio.to_thread(self._roads.load)
        for spec in others:
            self._open_session(spec)

    def _admit(self, spec: NodeSpec) -> NodeSpec | None:
        """Takes a node's specification in; gives the one it had."""
        old = self._specs.get(spec.name)
        self._specs[spec.name] = spec
        self.store.apply(NodeAdded(spec.name, self._clock.monotonic(), spec))
        return old

    async def add_node(self, spec: NodeSpec) -> None:
        """Watches a node from now on; one with this name that is there becomes what `spec` says."""
        old = self._admit(spec)
        if old is not None and _same_link(old, spec):
            self._configure(spec.name)
            return
        if old is not None:
            await self._roster.end(spec.name)
        self._open_session(spec)

    def orchestrator(self) -> str:
        """The name of this machine's node, where jobs run. One that is not listed is watched from now on."""
        for spec in self._specs.values():
            if spec.transport is not Transport.SSH:
                return spec.name
        name = LOCAL if LOCAL not in self._specs else socket.gethostname()
        spec = NodeSpec(name, Transport.LOCAL)
        self._admit(spec)
        self._open_session(spec)
        return name

    async def drop_node(self, name: str) -> bool:
        """It was taken out of the settings: no longer asked, and listed on where workers live there (True)."""
        if not self._detached.detach(name):
            await self.remove_node(name)
            return False
        self._specs.pop(name, None)
        self._interests.pop(name, None)
        await self._roster.end(name)
        return True

    async def forget_node(self, name: str) -> None:
        """Lists a detached node no more. Nothing is changed on the node. Raises OSError."""
        self._detached.forget(name)
        await self.remove_node(name)

    async def remove_node(self, name: str) -> None:
        """Watches it no more. Nothing is changed on the node or in the settings."""
        self._specs.pop(name, None)
        self._interests.pop(name, None)
        self.store.apply(NodeRemoved(name, self._clock.monotonic()))
        await self._roster.end(name)

    def configure(self, node: str, interest: str) -> None:
        """What is wanted of a node: off, summary or full. An unknown node is ignored."""
        if node in self.sessions and self._interests.get(node, "summary") != interest:
            self._interests[node] = interest
            self._configure(node)

    @property
    def interval(self) -> float:
        """Seconds between two readings; a new value is told to every node."""
        return self._interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self._interval = seconds
        for name in self.sessions:
            self._configure(name)

    def retry(self, node: str) -> None:
        """Tries to reach a node now; an unknown node is ignored."""
        self._roster.retry(node)

    def _own_name(self) -> str:
        """The name that this machine's node has, or would have."""
        own = (s.name for s in self._specs.values() if s.transport is not Transport.SSH)
        return next(own, LOCAL)

    async def _ask_anyone(self, node: str, message: Any, timeout_s: float) -> Any:
        """Of a node; or of a machine that is none of this console's, over a link that nobody watches."""
        if node in self.sessions or self._dialers is not self._roads:
            return await self._acts.ask(node, message, timeout_s)
        known = (spec for spec in self.settings.node_specs() if spec.name == node)
        own = NodeSpec(LOCAL, Transport.LOCAL) if node == LOCAL else None
        spec = next(known, own)
        if spec is None:
            raise UsageError(f"there is no node named {node}")
        return await self._aside.ask(spec, message, timeout_s)

    def _open_session(self, spec: NodeSpec) -> None:
        self._roster.open(spec, self._wanted(spec))
        self.sessions[spec.name].watch_workers(self._watching())

    def _configure(self, name: str) -> None:
        self.sessions[name].configure(self._wanted(self._specs[name]))

    def _watching(self) -> WatchWorkers:
        kept = self.settings.retention
        return WatchWorkers(kept_runs=kept.runs, kept_log_bytes=kept.logs)

    def _wanted(self, spec: NodeSpec) -> Configure:
        return Configure(
            interest=self._interests.get(spec.name, "summary"),
            interval_s=self._interval,
            root=spec.root,
            disks=spec.disks,
            datasets=spec.datasets,
            count_interval_s=self.settings.count_interval,
        )

    # ------------------------------------------------------------ going on

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    def _emit(self, event: Event) -> None:
        self.store.apply(event)
        if isinstance(event, LinkUp):
            self._detached.found_again(event.hello.node_key)
        if self._keep and isinstance(event, LinkUp):
            self._history.restore(event.node, event.hello.node_key, self.store)

    async def _tick(self) -> None:
        while True:
            self.store.apply(ClockTicked(self._clock.monotonic(), self._clock.wall()))
            await asyncio.sleep(TICK_S)

    async def _keep_history(self) -> None:
        while True:
            await asyncio.sleep(KEEP_HISTORY_EVERY_S)
            self._save_history()

    def _save_history(self) -> None:
        self._history.save(self.store, self.settings.retention.dataset_history, self._clock.wall())

    # ------------------------------------------------------------ settings

    async def _watch_settings(self) -> None:
        from console.settings.reload import watch

        await watch(self.loaded, self.use_settings, self._refuse_settings)

    async def use_settings(self, loaded: Loaded) -> None:
        """Goes on with new settings: nodes come, go and change; rules hold from now on."""
        old, self.loaded = self.loaded, loaded
        self.reloads += 1
        self.settings_fault = None
        self._guard.read_only = self._read_only_asked or loaded.settings.read_only
        self.store.set_rules(loaded.settings.alert_rules())
        self._notifier.use(loaded.settings.notify)
        await self._use_nodes(old, loaded)
        for session in self.sessions.values():
            session.watch_workers(self._watching())
        if loaded.settings.interval != old.settings.interval:
            self.interval = loaded.settings.interval
        self.board.post("info", "the settings were read again")

    async def _use_nodes(self, old: Loaded, new: Loaded) -> None:
        before = {spec.name: spec for spec in old.specs()}
        after = {spec.name: spec for spec in new.specs()}
        ssh_changed = old.settings.ssh != new.settings.ssh
        if ssh_changed:
            self._roads.use(new.settings.ssh)
        for name in before.keys() - after.keys():
            await self.drop_node(name)
        for name, spec in after.items():
            if name in self._specs and ssh_changed and spec.transport is Transport.SSH:
                await self._roster.end(name)
                self._open_session(spec)
            elif (
                before.get(name) != spec
                or old.settings.count_interval != new.settings.count_interval
            ):
                await self.add_node(spec)

    def _refuse_settings(self, fault: str) -> None:
        self.failed_reloads += 1
        self.settings_fault = fault
        self.board.post("error", f"settings not taken, the last good ones stay: {fault}")


def _same_link(old: NodeSpec, new: NodeSpec) -> bool:
    """True where only what is watched changed, not how the node is reached."""
    seen = ("tags", "root", "disks", "datasets", "hidden_while_empty")
    return replace(old, **{name: getattr(new, name) for name in seen}) == new
