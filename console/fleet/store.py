"""The fleet store: the only place where what is known of the fleet changes, by events and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from console.fleet import lifecycle
from console.fleet.alerts import Alert, AlertBook
from console.fleet.changes import AlertsChanged, Change, NodeChanged
from console.fleet.events import (
    ClockTicked,
    DatasetsArrived,
    DestinationsRead,
    Event,
    HeartbeatArrived,
    LedgerLooked,
    LedgerRecalled,
    LinkLost,
    LinkOpening,
    LinkUp,
    NodeAdded,
    NodeDetached,
    NodeRemoved,
    NoticeArrived,
    SampleArrived,
    WorkersArrived,
    WorkerTold,
)
from console.fleet.history import NodeHistory
from console.fleet.identity import mark_twins
from console.fleet.ledger import LedgerBook
from console.fleet.lifecycle import evolve
from console.fleet.model import Connecting, Node
from console.fleet.rules import AlertRules
from console.fleet.series import Point
from console.fleet.summary import FleetSummary, summarise
from console.fleet.survey import survey
from console.fleet.workers.crew import Crew
from console.fleet.workers.peers import PeerTable
from console.fleet.workers.view import WorkerView

NOTICES_KEPT = 20
SURVEY_EVERY_S = 5.0  # of a node that sends nothing: its dataset may go stale all the same
SUMMARY_EVERY_S = 1.0
SLEPT_AFTER_S = 5.0  # a gap between ticks longer than this is our own sleep

_SUMMARY_CHANGES = frozenset({"added", "removed", "link", "ledger"})

Listener = Callable[[Change], None]

__all__ = ["AlertsChanged", "Change", "FleetStore", "NodeChanged"]


class FleetStore:
    """Nodes in the order they were added, their histories and alerts. An event of an unknown node is void."""

    def __init__(self, rules: AlertRules | None = None) -> None:
        self.now = 0.0
        self.clock = 0.0
        self.rules = rules or AlertRules()
        self._nodes: dict[str, Node] = {}
        self.nodes: Mapping[str, Node] = MappingProxyType(self._nodes)
        self._histories: dict[str, NodeHistory] = {}
        self._crews: dict[str, Crew] = {}
        self._peers = PeerTable()
        self._book = AlertBook()
        self.ledger = LedgerBook()
        self._survey_at: dict[str, float] = {}
        self._summary: tuple[float, tuple[Alert, ...], FleetSummary] | None = None
        self._watched_since = 0.0
        self._ticked_at: float | None = None
        self._listeners: dict[int, Listener] = {}
        self._next_listener = 0
        self._appliers: dict[type, Callable[..., None]] = {
            NodeAdded: self._node_added,
            NodeRemoved: self._node_removed,
            NodeDetached: self._node_detached,
            LinkOpening: self._link_opening,
            LinkUp: self._link_up,
            LinkLost: self._link_lost,
            HeartbeatArrived: self._heartbeat_arrived,
            SampleArrived: self._sample_arrived,
            DatasetsArrived: self._datasets_arrived,
            WorkersArrived: self._workers_arrived,
            WorkerTold: self._worker_told,
            NoticeArrived: self._notice_arrived,
            LedgerLooked: self._ledger_told,
            LedgerRecalled: self._ledger_told,
            DestinationsRead: lambda event: self.ledger.read(event.datasets),
            ClockTicked: self._clock_ticked,
        }

    # ------------------------------------------------------------ reading

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Active alerts, worst first."""
        return self._book.active

    @property
    def alert_history(self) -> tuple[Alert, ...]:
        """Active and ended alerts, newest first, bounded."""
        return self._book.history

    def alerts_of(self, node: str) -> tuple[Alert, ...]:
        """The active alerts of one node, worst first."""
        return self._book.of(node)

    def history(self, node: str) -> NodeHistory:
        """The history of a node; an empty one for a name that is not known."""
        return self._histories.get(node) or NodeHistory()

    def workers(self, earlier: bool = False) -> tuple[WorkerView, ...]:
        """The newest run of each name on each node, as last known; with `earlier` those before it too.

        Nodes come in their order. A machine that has two entries shows each of its runs once.
        """
        return tuple(
            view
            for name, node in self._nodes.items()
            for view in self.workers_of(name, earlier)
            if node.same_as is None or view.record.run_id not in self._runs_of(node.same_as)
        )

    def _runs_of(self, node: str) -> frozenset[str]:
        report = self._nodes[node].workers
        return frozenset(record.run_id for record in report.workers) if report else frozenset()

    def workers_of(self, node: str, earlier: bool = False) -> tuple[WorkerView, ...]:
        """Those of one node, the newest run first; none of a name that is not known."""
        known = self._nodes.get(node)
        if known is None:
            return ()
        views = self._crews[node].views(known, self.now, self.clock)
        return views if earlier else tuple(view for view in views if view.newest)

    def summary(self) -> FleetSummary:
        """The fleet in one line; figures are at most SUMMARY_EVERY_S old, states and alerts are of now."""
        made = self._summary
        if made is None or self.now - made[0] >= SUMMARY_EVERY_S or made[1] is not self.alerts:
            summary = summarise(
                self._nodes.values(), self.alerts, self.history, self.workers(), self.ledger
            )
            made = self._summary = (self.now, self.alerts, summary)
        return made[2]

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tells `listener` the present at once, then each change. Returns what ends it."""
        number = self._next_listener
        self._next_listener += 1
        self._listeners[number] = listener
        for name in tuple(self._nodes):
            listener(NodeChanged(name, "added"))
        listener(AlertsChanged())
        return lambda: self._listeners.pop(number, None) and None

    # ------------------------------------------------------------ changing

    def apply(self, event: Event) -> None:
        """Takes one event in and tells the listeners. Never raises for what a node sent."""
        if event.at > self.now or not self._nodes:  # a past may begin before the machine started
            self.now = event.at
        self._appliers[type(event)](event)

    @property
    def acknowledged(self) -> frozenset[str]:
        """Ids of alerts that a person has seen and that have not ended since."""
        return self._book.acknowledged

    def acknowledge(self, alert_id: str, at: float) -> None:
        """A person has seen the alert; it stays so until it ends. An id that is none is harmless."""
        self.now = max(self.now, at)
        self.restore_acknowledged([alert_id])

    def restore_acknowledged(self, ids: Iterable[str]) -> None:
        """What was acknowledged in another life of the console, or in another console."""
        if self._book.acknowledge(ids):
            self._tell(AlertsChanged())

    def set_rules(self, rules: AlertRules) -> None:
        """New limits hold from now on; alerts they no longer call for settle by their own clear times."""
        self.rules = rules
        for name in tuple(self._nodes):
            self._survey(name)

    def import_history(self, node: str, points: Iterable[Point]) -> None:
        """Takes the points of an earlier life of the console in."""
        if node in self._histories:
            self._histories[node].import_points(points, self.clock or float("inf"))

    # ------------------------------------------------------------ events

    def _node_added(self, event: NodeAdded) -> None:
        old = self._nodes.get(event.node)
        if old is None:
            self._nodes[event.node] = Node(event.spec, Connecting(event.at))
            self._histories[event.node] = NodeHistory()
            self._crews[event.node] = Crew()
        else:
            self._nodes[event.node] = evolve(old, spec=event.spec)
            for watch in set(old.spec.datasets) - set(event.spec.datasets):
                self._histories[event.node].forget_dataset(watch.name)
        self._tell(NodeChanged(event.node, "added"))

    def _node_removed(self, event: NodeRemoved) -> None:
        if self._nodes.pop(event.node, None) is None:
            return
        self._histories.pop(event.node, None)
        self._crews.pop(event.node, None)
        self._survey_at.pop(event.node, None)
        self.ledger.forget(event.node)
        self._mark_twins()
        self._tell(NodeChanged(event.node, "removed"))
        if self._book.drop(event.node, event.at, self.clock):
            self._tell(AlertsChanged())

    def _node_detached(self, event: NodeDetached) -> None:
        if event.node in self._nodes:
            self._moved(event.node, lifecycle.detached(self._nodes[event.node], event))

    def _link_opening(self, event: LinkOpening) -> None:
        if event.node in self._nodes:
            self._moved(event.node, lifecycle.opening(self._nodes[event.node], event))

    def _link_up(self, event: LinkUp) -> None:
        self.clock = event.clock
        old = self._nodes.get(event.node)
        if old is None:
            return
        self._histories[event.node].heard = event.clock
        self.ledger.met(event.node, event.hello.node_key)
        self._moved(event.node, lifecycle.made(old, event))
        self._mark_twins()

    def _link_lost(self, event: LinkLost) -> None:
        if event.node in self._nodes:
            self._moved(event.node, lifecycle.lost(self._nodes[event.node], event))

    def _heartbeat_arrived(self, event: HeartbeatArrived) -> None:
        self.clock = event.clock
        old = self._nodes.get(event.node)
        if old is None:
            return
        new = lifecycle.heartbeat(old, event)
        if new is old:
            return
        self._nodes[event.node] = new
        self._histories[event.node].heard = event.clock
        if new.link is old.link:
            self._tell(NodeChanged(event.node, "heartbeat"))
            return
        self._tell(NodeChanged(event.node, "link"))
        self._survey(event.node)

    def _sample_arrived(self, event: SampleArrived) -> None:
        old = self._nodes.get(event.node)
        new = lifecycle.sampled(old, event) if old else None
        if new is None or new is old:
            return
        self._nodes[event.node] = new
        self._histories[event.node].sampled(event.at, self.clock, event.sample)
        self._tell(NodeChanged(event.node, "sample"))
        self._survey(event.node)

    def _datasets_arrived(self, event: DatasetsArrived) -> None:
        old = self._nodes.get(event.node)
        if old is None:
            return
        self._nodes[event.node] = evolve(old, datasets=event.report, datasets_at=event.at)
        self._histories[event.node].counted(self.clock, event.report)
        self._tell(NodeChanged(event.node, "datasets"))
        self._survey(event.node)

    def _workers_arrived(self, event: WorkersArrived) -> None:
        old = self._nodes.get(event.node)
        if old is not None:
            self._workers_changed(lifecycle.reported(old, event))

    def _worker_told(self, event: WorkerTold) -> None:
        old = self._nodes.get(event.node)
        if old is not None:
            self._workers_changed(lifecycle.told(old, event))

    def _workers_changed(self, new: Node) -> None:
        if new is self._nodes[new.name]:
            return
        self._nodes[new.name] = new
        self._look_at_workers(new.name)  # before anybody reads it
        self._tell(NodeChanged(new.name, "workers"))
        self._survey(new.name)

    def _notice_arrived(self, event: NoticeArrived) -> None:
        old = self._nodes.get(event.node)
        if old is None or event.notice in old.notices[-1:]:
            return
        notices = (*old.notices, event.notice)[-NOTICES_KEPT:]
        self._nodes[event.node] = evolve(old, notices=notices)
        self._tell(NodeChanged(event.node, "notice"))

    def _ledger_told(self, event: LedgerLooked | LedgerRecalled) -> None:
        if event.node in self._nodes and self.ledger.take(event):
            self._tell(NodeChanged(event.node, "ledger"))

    def _clock_ticked(self, event: ClockTicked) -> None:
        self.clock = event.clock
        if self._ticked_at is None or event.at - self._ticked_at > SLEPT_AFTER_S:
            self._watched_since = event.at
        self._ticked_at = event.at
        for name, old in tuple(self._nodes.items()):
            new = lifecycle.aged(old, event.at, self._watched_since)
            if new is not old:
                self._nodes[name] = new
                self._tell(NodeChanged(name, "link"))
                self._survey(name)
            elif event.at >= self._survey_at.get(name, 0.0):
                self._survey(name)

    # ------------------------------------------------------------ within

    def _moved(self, name: str, new: Node) -> None:
        if new is self._nodes[name]:
            return
        self._nodes[name] = new
        self._tell(NodeChanged(name, "link"))
        self._survey(name)

    def _survey(self, name: str) -> None:
        self._survey_at[name] = self.now + SURVEY_EVERY_S
        self._look_at_workers(name)
        node, history = self._nodes[name], self._histories[name]
        workers = self._crews[name].views(node, self.now, self.clock)
        look = survey(node, history, self.rules, self.now, workers)
        if self._book.note(name, look, self.now, self.clock):
            self._tell(AlertsChanged())

    def _look_at_workers(self, name: str) -> None:
        peers = self._peers.of(self._nodes, self._crews, self.now)
        self._crews[name].look(
            self._nodes[name], self._histories[name], self.rules, peers, self.now
        )

    def _mark_twins(self) -> None:
        for name, same_as in mark_twins(self._nodes.values()):
            self._nodes[name] = evolve(self._nodes[name], same_as=same_as)
            self._tell(NodeChanged(name, "link"))

    def _tell(self, change: Change) -> None:
        if isinstance(change, NodeChanged) and change.what in _SUMMARY_CHANGES:
            self._summary = None
        for listener in tuple(self._listeners.values()):
            listener(change)
