"""Every run that is not finished has a supervisor, or its end is found out. Nothing is killed.

A pair is a function of its run directory: whatever was interrupted, a fresh pair goes on with it. So all
that is to be done for a run whose lock is free is to launch one.
"""

import os
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from workers.machine import pidfd
from workers.machine.boot import boot_id, boottime
from workers.machine.process import start_ticks
from workers.supervisor import exit_record
from workers.supervisor.condition import Condition
from workers.supervisor.exit_record import ExitRecord
from workers.supervisor.run import Run
from workers.supervisor.runs import Runs

FIRST_RETRY_S = 3.0
LONGEST_RETRY_S = 300.0
MOST_HELD = 256  # pidfds: an agent may have no more than a thousand descriptors

Launch = Callable[[Run], Tuple[str, ...]]


class _Held(NamedTuple):
    """A worker held by a pidfd, so that the kernel keeps its exit code for us."""

    descriptor: int
    attempt: int
    pid: int


class _Try(NamedTuple):
    at: float  # monotonic
    pause_s: float


class Reconciler:
    """Used by one thread at a time. ``launch`` gives notes: why a pair could not be launched."""

    def __init__(self, runs: Runs, launch: Launch) -> None:
        self._runs = runs
        self._launch = launch
        self._held: Dict[str, _Held] = {}
        self._tries: Dict[str, _Try] = {}
        self._resting: Dict[str, Tuple[int, int]] = {}
        self.count = 0
        """Runs there were at the last step."""

    def step(self) -> Tuple[str, ...]:
        """One look at every run; what a person should know of."""
        notes: List[str] = []
        present = self._runs.all()
        for run in present:
            if not self._rests(run):
                notes += self.care(run)
        self.count = len(present)
        known = {run.run_id for run in present}
        for run_id in [run_id for run_id in self._held if run_id not in known]:
            self._release(run_id)
        return tuple(notes)

    def care(self, run: Run) -> Tuple[str, ...]:
        """Sees to one run, with growing pauses where that does not help."""
        self._hold(run)
        if run.is_held():
            self._tries.pop(run.run_id, None)
            return ()
        if _at_rest(run):
            self._rest(run)
            return ()
        last = self._tries.get(run.run_id)
        now = time.monotonic()
        if last is not None and now < last.at + last.pause_s:
            return ()
        pause_s = FIRST_RETRY_S if last is None else min(LONGEST_RETRY_S, 2 * last.pause_s)
        self._tries[run.run_id] = _Try(now, pause_s)
        self._record_end(run)
        return self._launch(run)

    def care_at_once(self, run: Run) -> Tuple[str, ...]:
        """As ``care``, whatever was tried before: somebody waits for it."""
        self._tries.pop(run.run_id, None)
        return self.care(run)

    def prune(self, kept_runs: int, kept_log_bytes: int) -> None:
        """Forgets what retention does not keep."""
        self._runs.prune(kept_runs, kept_log_bytes)

    def close(self) -> None:
        for run_id in list(self._held):
            self._release(run_id)

    # ------------------------------------------------------------ runs that need nothing

    def _rests(self, run: Run) -> bool:
        return self._resting.get(run.run_id, (0, 0)) == _stamp(run)

    def _rest(self, run: Run) -> None:
        self._release(run.run_id)
        self._tries.pop(run.run_id, None)
        self._resting[run.run_id] = _stamp(run)

    # ------------------------------------------------------------ exit codes

    def _hold(self, run: Run) -> None:
        now = run.condition()
        held = self._held.get(run.run_id)
        if held is not None and (held.attempt, held.pid) == (now.attempt, now.pid):
            return
        if now.pid is None or now.ticks is None or now.attempt_boot_id != boot_id():
            return
        if held is not None:
            self._release(run.run_id)
        if len(self._held) >= MOST_HELD:
            return
        descriptor = _open(now.pid, now.ticks)
        if descriptor is not None:
            self._held[run.run_id] = _Held(descriptor, now.attempt, now.pid)

    def _release(self, run_id: str) -> None:
        held = self._held.pop(run_id, None)
        if held is not None:
            os.close(held.descriptor)

    def _record_end(self, run: Run) -> None:
        """Nobody but us saw how the worker ended: the pair finds it written down."""
        held, now = self._held.get(run.run_id), run.condition()
        if held is None or (held.attempt, held.pid) != (now.attempt, now.pid):
            return
        status = pidfd.status_after_exit(held.descriptor, held.pid)
        if status is None or not pidfd.is_over(held.descriptor):
            return
        lock = run.take(0.0)
        if lock is None:
            return
        try:
            path = run.paths.attempt(held.attempt).exit_record
            if exit_record.read(path) is None:
                exit_record.write(path, _ended(held, status, now))
        except OSError:  # the pair finds no record and says "lost", which is true
            return
        finally:
            os.close(lock)


def _open(pid: int, ticks: int) -> Optional[int]:
    """A pidfd of this very process; None where it is gone or there are no pidfds."""
    try:
        descriptor = pidfd.open_process(pid)
    except OSError:
        return None
    if descriptor is not None and start_ticks(pid) != ticks:
        os.close(descriptor)
        return None
    return descriptor


def _ended(held: _Held, status: int, now: Condition) -> ExitRecord:
    exited = os.WIFEXITED(status)
    return ExitRecord(
        attempt=held.attempt,
        code=os.WEXITSTATUS(status) if exited else None,
        signal=None if exited else os.WTERMSIG(status),
        core=not exited and os.WCOREDUMP(status),
        asked=now.stop_asked,
        wall=time.time(),
        boottime=boottime(),
        boot_id=boot_id(),
        pid=held.pid,
        by="agent",
    )


def _at_rest(run: Run) -> bool:
    """Whether nothing is to be done until somebody wants something."""
    now = run.condition()
    return now.finished and run.desired().sequence <= max(1, now.sequence)


def _stamp(run: Run) -> Tuple[int, int]:
    """Changes with every new wish and every new attempt."""
    try:
        found = os.stat(run.paths.folder)
    except OSError:
        return (-1, 0)
    return (found.st_ino, found.st_mtime_ns)
