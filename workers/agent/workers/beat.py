"""When workers are reported and seen to: in lanes of their own, so that a hung disk holds up neither the
other nor the loop. Nothing of the room is loaded before a console asks."""

import time
from typing import Any, Callable, Optional

from workers.agent.lane import Finished, Lane
from workers.agent.outbox import Outbox
from workers.protocol import Notice, WatchWorkers

REPORT_S = 1.0
SOON_S = 0.05  # after a start or a command
BRISK_S = 0.25  # between two reports while that takes effect
BRISK_FOR_S = 2.0
RECONCILE_S = 3.0
RECONCILE_SEEN_S = 15.0  # while the report shows at each turn who has lost its pair
RECONCILE_SOON_S = 1.0
_PAUSE = 4.0  # after a report, in times of what it took: hundreds of starts do not wait for reports
NEVER = float("inf")


class WorkerBeat:
    """``room`` makes or gives the room, None where there is no state directory; ``has_room`` says whether
    the channel carries one more reading."""

    def __init__(
        self,
        room: Callable[[], Optional[Any]],
        finished: Finished,
        outbox: Outbox,
        has_room: Callable[[], bool],
    ) -> None:
        self._room = room
        self._finished = finished
        self._outbox = outbox
        self._has_room = has_room
        self._reporting = Lane("workers", finished)
        self._reconciling = Lane("reconciling", finished)
        self._limit = 0
        self._kept = (0, 0)  # runs of a name and bytes of logs, once a console has said
        self._reports_running = self._reconcile_running = False
        self._again = False
        self._said = ""
        self._next_report = self._next_reconcile = NEVER
        self._brisk_until = self._report_began = self._reconcile_began = 0.0
        self._report_from = 0.0  # not sooner
        self._seen = False

    def watch(self, message: WatchWorkers) -> None:
        """Reports from now on; the first at once."""
        self._limit = message.limit
        self._kept = (max(1, message.kept_runs), max(0, message.kept_log_bytes))
        self._next_report = self._next_reconcile = time.monotonic()
        self._again = True

    def poke(self) -> None:
        """Something changed: the next report soon, whatever it says, and more for what follows from it."""
        now = time.monotonic()
        self._again, self._brisk_until = True, now + BRISK_FOR_S
        if self._next_report < NEVER:
            self._hasten(now)
            self._next_reconcile = min(self._next_reconcile, now + RECONCILE_SOON_S)

    @property
    def due_at(self) -> float:
        return min(self._next_report, self._next_reconcile)

    def start_if_due(self, now: float) -> None:
        """Called at every turn of the loop."""
        if now >= self._next_report:
            self._next_report = now + (BRISK_S if now < self._brisk_until else REPORT_S)
            self._report()
        if now >= self._next_reconcile:
            self._next_reconcile = now + (RECONCILE_SEEN_S if self._seen else RECONCILE_S)
            self._reconcile()

    def _report(self) -> None:
        if self._reports_running or not (self._again or self._has_room()):
            return
        self._reports_running, self._report_began = True, time.monotonic()
        force, self._again = self._again, False
        limit = self._limit

        def work() -> Any:
            room = self._room()
            return None if room is None else room.report(limit, force)

        self._reporting.submit(work, self._reported)

    def _reported(self, report: Any, error: Optional[Exception]) -> None:
        self._reports_running, now = False, time.monotonic()
        self._report_from = now + min(REPORT_S, _PAUSE * (now - self._report_began))
        self._next_report = max(self._next_report, self._report_from)
        if error is not None:
            self._say(f"workers cannot be reported: {type(error).__name__}: {error}")
        elif report is not None:
            if report.frame is not None:
                self._outbox.latest_frame("WorkerReport", report.frame)
            self._seen = report.seen
            if report.unattended:
                due = max(now, self._reconcile_began + RECONCILE_SOON_S)
                self._next_reconcile = min(self._next_reconcile, due)
        if self._again:
            self._hasten(now)

    def _hasten(self, now: float) -> None:
        self._next_report = min(self._next_report, max(now + SOON_S, self._report_from))

    def _reconcile(self) -> None:
        if self._reconcile_running:
            return
        self._reconcile_running, kept = True, self._kept
        self._reconcile_began = time.monotonic()

        def work() -> Any:
            room = self._room()
            return ((), False) if room is None else room.reconcile(*kept)

        self._reconciling.submit(work, self._reconciled)

    def _reconciled(self, outcome: Any, error: Optional[Exception]) -> None:
        self._reconcile_running = False
        if error is not None:
            self._say(f"workers cannot be seen to: {type(error).__name__}: {error}")
            return
        notes, again = outcome
        for note in notes:
            self._say(note)
        if again:
            self._next_reconcile = min(self._next_reconcile, time.monotonic() + RECONCILE_S)

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._outbox.latest(Notice("warning", text))
