"""Messages of one node become events of that node, at a pace the console can bear."""

from __future__ import annotations

from collections.abc import Callable

from console.fleet.events import (
    DatasetsArrived,
    Event,
    HeartbeatArrived,
    NoticeArrived,
    SampleArrived,
    WorkersArrived,
)
from console.sessions.clock import Clock
from console.sessions.limits import Newest, Tokens
from console.sessions.link import Link
from workers.protocol import DatasetReport, Heartbeat, Notice, Sample, WorkerReport

HEARTBEAT_GAP_S = 0.2
SAMPLE_GAP_S = 0.05
DATASETS_GAP_S = 0.5
WORKERS_GAP_S = 0.1  # an exit is seen within two seconds, whatever else is on the line
NOTICES_BURST = 10
NOTICES_PER_S = 0.5


class Intake:
    """Takes what nobody asked for; replies do not come here."""

    def __init__(self, node: str, clock: Clock, emit: Callable[[Event], None]) -> None:
        self._node = node
        self._clock = clock
        self._emit = emit
        self._heartbeats: Newest[HeartbeatArrived] = Newest(HEARTBEAT_GAP_S, emit)
        self._samples: Newest[SampleArrived] = Newest(SAMPLE_GAP_S, emit)
        self._datasets: Newest[DatasetsArrived] = Newest(DATASETS_GAP_S, emit)
        self._workers: Newest[WorkersArrived] = Newest(WORKERS_GAP_S, emit)
        self._notices = Tokens(NOTICES_BURST, NOTICES_PER_S)

    def take(self, message: object, link: Link) -> None:
        """Turns a message into an event, or drops it: one of a type that is not expected here, or
        what comes faster than anybody can look."""
        now = self._clock.monotonic()
        if isinstance(message, Heartbeat):
            round_trip_s = link.round_trip_s(message)
            clock = self._clock.wall()
            self._heartbeats.offer(HeartbeatArrived(self._node, now, message, clock, round_trip_s))
        elif isinstance(message, Sample):
            self._samples.offer(SampleArrived(self._node, now, message))
        elif isinstance(message, DatasetReport):
            self._datasets.offer(DatasetsArrived(self._node, now, message))
        elif isinstance(message, WorkerReport):
            self._workers.offer(WorkersArrived(self._node, now, message))
        elif isinstance(message, Notice) and self._notices.try_take(now):
            self._emit(NoticeArrived(self._node, now, message))

    def close(self) -> None:
        """Nothing of this link is emitted any more."""
        for held in (self._heartbeats, self._samples, self._datasets, self._workers):
            held.close()
