"""All that the agent does about workers, behind one door. Made with the first message about them."""

import os
import threading
import time
from typing import Any, Callable, FrozenSet, Optional, Set, Tuple

from workers.agent.gpu_child import source_root
from workers.agent.gpu_driver import library_folder
from workers.agent.workers import cradle
from workers.agent.workers.cradle import Cradle
from workers.agent.workers.interpreters import Interpreters
from workers.agent.workers.launching import Launching
from workers.agent.workers.login_environment import LoginEnvironment, account
from workers.agent.workers.reconciling import Reconciler
from workers.agent.workers.reporting import Report, Reporter, record_now
from workers.agent.workers.start_turn import StartTurn
from workers.agent.workers.trees import Forest
from workers.protocol import (
    Failure,
    GpuReport,
    WorkerRecord,
    WorkerSpec,
)
from workers.supervisor import holder
from workers.supervisor.run import Run
from workers.supervisor.runs import Runs

SWEEP_AGE_S = 10.0  # an older picture of the processes tells nothing
TOKEN_SCAN_S = 30.0
GPU_S = 5.0  # a driver that was just asked for the first time


class WorkerRoom:
    """Answers and turns run in threads; ``poke`` asks the loop for an early report."""

    def __init__(self, node_folder: str, sampler: Any, poke: Callable[[], None]) -> None:
        self.node_folder = node_folder
        self.root = os.path.expanduser("~")
        """Where the node's relative paths start."""
        self.environment = LoginEnvironment()
        self.interpreters = Interpreters()
        self.starts = StartTurn(node_folder)
        self._sampler = sampler
        self._poke = poke
        self._cradle: Optional[Cradle] = None
        self._launching = Launching(source_root(), self.environment, self.cradle)
        self._reporter = Reporter(Runs(node_folder))
        self._reconciler = Reconciler(Runs(node_folder), self._launching.launch)
        self._reconciling = threading.Lock()
        self._scanned_at: Optional[float] = None
        self._known = 0
        self._eager: Set[str] = set()
        self._crowded = False
        self._missing: FrozenSet[str] = frozenset()

    # ------------------------------------------------------------ turns

    def report(self, limit: int, force: bool) -> Report:
        """One turn of the report."""
        eager, self._eager = self._eager, set()
        return self._reporter.report(limit, self.forest(), force, eager)

    def reconcile(self, kept_runs: int, kept_log_bytes: int) -> Tuple[Tuple[str, ...], bool]:
        """One turn of seeing to every run, and to what is kept of those that are over.

        Gives what a person should know of, and whether to look again soon.
        """
        with self._reconciling:
            notes = self._reconciler.step()
            if self._crowded:
                self._crowded = False
                self._reconciler.prune(kept_runs, kept_log_bytes)
        notes += self._recreate(self._reconciler.count)
        return notes, bool(self._missing)

    def close(self) -> None:
        """Leaves the workers as they are."""
        self._launching.close()

    # ------------------------------------------------------------ answers

    def answer(self, message: Any) -> Any:
        """The reply to a message about workers. Raises OSError."""
        from workers.agent.workers.answers import ANSWERS

        found: Any = ANSWERS[type(message)](message, self)
        return found

    # ------------------------------------------------------------ for the answers

    def runs(self) -> Runs:
        """A fresh look at the records: each thread has its own."""
        return Runs(self.node_folder)

    def place(self) -> str:
        return self.node_folder

    def forest(self) -> Optional[Forest]:
        """The processes of the last sweep; None where it is old."""
        processes = self._sampler.processes
        age_s = processes.age_s
        if age_s is None or age_s > SWEEP_AGE_S:
            return None
        return Forest(processes.readings, processes.gpu_memory)

    def record(self, run: Run) -> WorkerRecord:
        """One run's record with the figures of its processes."""
        return record_now(run, self.forest())

    def launch(self, run: Run) -> Tuple[str, ...]:
        return self._launching.launch(run)

    def care(self, run: Run) -> Tuple[str, ...]:
        """Sees to one run now."""
        with self._reconciling:
            return self._reconciler.care(run)

    def obey(self, run: Run) -> Tuple[str, ...]:
        """Somebody wants something of this run: its pair is told, or it gets one."""
        self.changed(run.run_id)
        if run.is_held() and holder.poke(run.paths.lock):
            return ()
        with self._reconciling:
            return self._reconciler.care_at_once(run)

    def started(self, run: Run) -> None:
        """A run was added: old ones may have to go."""
        self._known += 1
        self._crowded = True
        self.changed(run.run_id)

    def changed(self, run_id: str) -> None:
        """The report should go out soon, with a close look at this run."""
        self._eager.add(run_id)
        self._poke()

    def cradle(self) -> Cradle:
        """Where supervisors are put. Settings are read anew until they allow a start."""
        if self._cradle is None or self._cradle.refusal:
            name, uid = account().name, os.geteuid()
            self._cradle = cradle.choose(cradle.look(name, uid), name, uid)
        return self._cradle

    def gpu_report(self, spec: WorkerSpec) -> GpuReport:
        """What the driver shows; waited for only where GPUs are wanted and none was seen yet."""
        report: GpuReport = self._sampler.gpu_report
        if not (spec.gpus or spec.gpu_indices) or library_folder() is None:
            return report
        until = time.monotonic() + GPU_S
        while not report.gpus and not report.fault and time.monotonic() < until:
            time.sleep(0.05)
            report = self._sampler.gpu_report
        return report

    # ------------------------------------------------------------ runs whose folder is gone

    def _recreate(self, count: int) -> Tuple[str, ...]:
        """Once at the start, twice a minute, and when a run has vanished.

        A pair that lives makes the folder again by itself: only what is still gone at a second look is
        rebuilt from its process.
        """
        now = time.monotonic()
        vanished, self._known = count < self._known, count
        due = self._scanned_at is None or now - self._scanned_at >= TOKEN_SCAN_S
        if not (due or vanished or self._missing):
            return ()
        self._scanned_at = now
        from workers.agent.workers.adopting import recreate, without_folder

        gone = without_folder(self.runs())
        before, self._missing = self._missing, frozenset(gone)
        notes = []
        for run_id in before & self._missing:
            try:
                run = recreate(gone[run_id], self.runs())
            except OSError as error:
                notes.append(f"the run {run_id} without a folder cannot be rebuilt: {error}")
            else:
                name = run.spec().name
                notes.append(
                    f"the folder of {name} was gone while it ran: rebuilt from its process"
                )
        return tuple(notes)


def without_state() -> Failure:
    """Why a node without a state directory has no workers."""
    return Failure(
        "refused",
        "this node has no state directory (see the warnings of its connection):"
        " nothing that must outlive the agent can be kept here",
    )
