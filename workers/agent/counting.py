"""When the datasets are counted: at the configured pace, at once on request, never twice at a time."""

import time
from typing import Any, Callable, List, Optional

from workers.agent.lane import Lane
from workers.protocol import Configure, DatasetReport, Failure

NEVER = float("inf")
SHORTEST_INTERVAL_S = 1.0
PROGRESS_S = 2.0  # how often a running first count says how far it is

Reply = Callable[[Any], None]


class Counting:
    """Drives a dataset counter in its lane; ``send`` is given a report whenever a count changed."""

    def __init__(self, counter: Any, lane: Lane, send: Callable[[DatasetReport], None]) -> None:
        self._counter = counter
        self._lane = lane
        self._send = send
        self._wanted = Configure()
        self._running = False
        self._stopped = False
        self._sent: Optional[DatasetReport] = None
        self._waiting: List[Reply] = []
        self._served: List[Reply] = []  # those whose request came before the running count
        self.due_at = NEVER

    def configure(self, wanted: Configure) -> None:
        """What to count from now on, and how often."""
        before, self._wanted = self._wanted, wanted
        if not (wanted.datasets or before.datasets):
            return  # the counter is not even loaded
        if (wanted.root, wanted.datasets) != (before.root, before.datasets):
            self._stopped = self._running  # what runs counts the wrong thing
            self._lane.submit(
                lambda: self._counter.configure(wanted.root, wanted.datasets), lambda *_: None
            )
            self._sent = None
            if not wanted.datasets:
                self._send(DatasetReport(time.time()))
            if not self._running:
                self.due_at = time.monotonic()
        elif wanted != before and self._active and not self._running:
            self.due_at = min(self.due_at, time.monotonic() + self._interval_s)
        if not self._active and not self._running:
            self.due_at = NEVER

    def now(self, reply: Reply) -> None:
        """Counts at once; ``reply`` gets the report of a count that began after this call."""
        self._waiting.append(reply)
        if not self._running:
            self._start()

    def start_if_due(self, now: float) -> None:
        """Called at every turn of the loop."""
        if now < self.due_at:
            return
        if self._running:
            self.due_at = now + PROGRESS_S
            self._send_if_changed(self._counter.report())
        else:
            self._start()

    def stop(self) -> None:
        """Makes a running count end soon."""
        self._stopped = True

    @property
    def _active(self) -> bool:
        return bool(self._wanted.datasets) and self._wanted.interest != "off"

    @property
    def _interval_s(self) -> float:
        return max(SHORTEST_INTERVAL_S, self._wanted.count_interval_s)

    def _start(self) -> None:
        self._running, self._stopped = True, False
        self.due_at = time.monotonic() + PROGRESS_S
        self._served, self._waiting = self._waiting, []
        self._lane.submit(lambda: self._counter.count(lambda: self._stopped), self._counted)

    def _counted(self, report: Optional[DatasetReport], error: Optional[Exception]) -> None:
        self._running = False
        served, self._served = self._served, []
        if self._stopped:
            self._waiting = served + self._waiting
        else:
            self._deliver(served, report, error)
        if self._waiting or (self._stopped and self._active):
            self._start()
        else:
            self.due_at = NEVER
        if self._active and not self._running:
            self.due_at = time.monotonic() + self._interval_s

    def _deliver(
        self, served: List[Reply], report: Optional[DatasetReport], error: Optional[Exception]
    ) -> None:
        if report is None:
            for reply in served:
                reply(Failure("failed", f"the count failed: {type(error).__name__}: {error}"))
            return
        for reply in served:
            reply(report)
        self._send_if_changed(report)

    def _send_if_changed(self, report: DatasetReport) -> None:
        if self._sent is None or report.counts != self._sent.counts:
            self._sent = report
            self._send(report)
