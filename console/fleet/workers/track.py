"""What was seen of one run over time: the facts that a single report does not hold.

Quiet times are counted in *watched* seconds: time in which the node was seen. A node that was suspended or
out of reach for an hour makes no worker look as if it had done nothing for an hour.
"""

from __future__ import annotations

from collections import deque

from console.fleet.workers.history import WorkerHistory
from console.fleet.workers.pace import Pace
from workers.contract import EXIT_AGAIN, EXIT_DONE, EXIT_WAITING
from workers.protocol import WorkerRecord

CRASH_WINDOW_S = 600.0
_CRASHES = 16
_BUSY_CPU_PERCENT = 5.0  # who works so much does not hang, whatever one thread waits for
_NO_CRASH = (EXIT_DONE, EXIT_WAITING, EXIT_AGAIN)


class Track:
    """Mutated only by its crew."""

    __slots__ = (
        "_attempt", "_crashed_attempt", "_crashes", "_held", "_held_since", "_hung_since", "history", "longest_gap_s",
        "moved_at", "pace", "since",
    )  # fmt: skip

    def __init__(self, watched_s: float) -> None:
        self.history = WorkerHistory()
        self.pace = Pace()
        self.since = watched_s  # when it was first seen, in watched seconds
        self.moved_at: float | None = None  # when its count last rose, in watched seconds
        self.longest_gap_s = 0.0  # between two rises
        self._attempt = 0
        self._crashes: deque[float] = deque(maxlen=_CRASHES)
        self._crashed_attempt = 0
        self._hung_since: float | None = None
        self._held = ""
        self._held_since = 0.0

    def saw(self, record: WorkerRecord, at: float, watched_s: float) -> None:
        """A report came: another attempt begins anew, and an end that no policy wanted is a crash."""
        if record.attempt != self._attempt:
            self._attempt = record.attempt
            self.pace.forget()
            self.moved_at = None
        if record.blocked_in is None or (record.cpu_percent or 0.0) >= _BUSY_CPU_PERCENT:
            self._hung_since = None
        elif self._hung_since is None:
            self._hung_since = watched_s
        if record.state in ("backoff", "exited") and _crashed(record):
            if record.attempt != self._crashed_attempt:
                self._crashes.append(at)
            self._crashed_attempt = record.attempt

    def crashes(self, at: float) -> int:
        """Seen within the last CRASH_WINDOW_S."""
        return sum(at - crash <= CRASH_WINDOW_S for crash in self._crashes)

    def count(self, done: float, at: float, watched_s: float) -> None:
        """Units done, its own or a dataset's records."""
        if not self.pace.count(done, at):
            return
        if self.moved_at is not None:
            self.longest_gap_s = max(self.longest_gap_s, watched_s - self.moved_at)
        self.moved_at = watched_s

    def held_s(self, health: str, watched_s: float) -> float:
        """For how long the same has been judged without a break."""
        if health != self._held:
            self._held, self._held_since = health, watched_s
        return watched_s - self._held_since

    def hung_s(self, watched_s: float) -> float | None:
        """For how long it has slept in the kernel at each look; None while it does not."""
        return None if self._hung_since is None else watched_s - self._hung_since

    def quiet_s(self, watched_s: float) -> float | None:
        """Since its count last rose; None where it was never seen to rise."""
        return None if self.moved_at is None else watched_s - self.moved_at


def _crashed(record: WorkerRecord) -> bool:
    if record.signal is not None or record.error is not None:
        return True
    return record.exit_code is not None and record.exit_code not in _NO_CRASH
