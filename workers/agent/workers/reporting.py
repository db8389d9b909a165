"""The report about all runs of the node, as the console asked for it."""

import json
import os
import time
from typing import AbstractSet, Dict, List, NamedTuple, Optional, Tuple

from workers.agent.workers.record import Clocks
from workers.agent.workers.trees import Forest
from workers.agent.workers.watched import Turn, WatchedRun
from workers.machine.boot import boot_id, boottime
from workers.protocol import MESSAGE, WorkerRecord, encode_frame
from workers.supervisor.run import Run
from workers.supervisor.runs import Runs

LONGEST_S = 5.0  # between two reports
MOST_ENDED = 1000
LIMIT_BYTES = 3 * 1024 * 1024  # of one report: the oldest ended runs go first
_LIST_TURNS = 5  # a folder changed twice in one tick of the clock looks unchanged


class Report(NamedTuple):
    """``frame`` None: nothing changed and the last one is not old."""

    frame: Optional[bytes]
    unattended: bool = False  # some run seems to be without a pair, or has vanished
    seen: bool = False  # whether there were processes to see that by


class Reporter:
    """Looks at all runs at each turn. Used by one thread at a time."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._watched: Dict[str, WatchedRun] = {}
        self._listed = 0
        self._vanished = False
        self._turns = 0
        self._fault: Optional[str] = None
        self._sent: Tuple[str, ...] = ()  # the runs that were told of
        self._sent_at: Optional[float] = None

    def report(
        self,
        limit: int,
        forest: Optional[Forest],
        force: bool = False,
        eager: AbstractSet[str] = frozenset(),
    ) -> Report:
        """The frame of the report of now, where there is news, it was long ago, or ``force``.

        The runs with an ``eager`` id are looked at closely.
        """
        clocks = Clocks(time.time(), boottime(), boot_id())
        self._turns += 1
        before = self._fault
        try:
            changed = self._look(Turn(self._turns, clocks, forest), eager)
            self._fault = None
        except OSError as error:
            changed, self._fault = False, f"{self._runs.folder}: {error.strerror or error}"
        told = self._told(max(0, min(limit, MOST_ENDED)))
        names = tuple(known.run.run_id for known in told)
        unattended = any(known.unattended for known in self._watched.values()) or self._vanished
        self._vanished = False
        late = self._sent_at is None or clocks.boottime - self._sent_at >= LONGEST_S
        news = changed or names != self._sent or self._fault != before
        if not (force or late or news):
            return Report(None, unattended, forest is not None)
        self._sent, self._sent_at = names, clocks.boottime
        rows = [known.text(clocks) for known in told]
        return Report(encode(clocks.wall, rows, self._fault), unattended, forest is not None)

    def _look(self, turn: Turn, eager: AbstractSet[str]) -> bool:
        if eager or turn.number % _LIST_TURNS == 0 or self._stamp() != self._listed:
            self._list()
        changed = False
        for run_id, known in self._watched.items():
            changed |= known.look(turn, run_id in eager)
        return changed

    def _told(self, limit: int) -> List[WatchedRun]:
        """All that live, and so many of the others, the newest first."""
        if self._fault is not None:
            return []
        told = []
        for known in self._watched.values():
            limit -= not known.live
            if known.live or limit >= 0:
                told.append(known)
        return told

    def _list(self) -> None:
        """The newest first."""
        self._listed = self._stamp()
        before, runs = self._watched.keys(), self._runs.all()
        self._watched = {run.run_id: self._known(run) for run in runs}
        self._vanished |= not before <= self._watched.keys()

    def _stamp(self) -> int:
        try:
            return os.stat(self._runs.folder).st_mtime_ns
        except FileNotFoundError:
            return 0

    def _known(self, run: Run) -> WatchedRun:
        known = self._watched.get(run.run_id)
        if known is None or known.run is not run:
            known = WatchedRun(run, len(self._watched))
        return known


def record_now(run: Run, forest: Optional[Forest] = None) -> WorkerRecord:
    """One run's record at this instant; without a ``forest`` the figures of its processes are missing."""
    clocks = Clocks(time.time(), boottime(), boot_id())
    known = WatchedRun(run, 0)
    known.look(Turn(0, clocks, forest))
    return known.record(clocks)


def encode(clock: float, rows: List[str], fault: Optional[str] = None) -> bytes:
    """The frame of a ``WorkerReport`` whose records are JSON already."""
    size, count = 0, 0
    for row in rows:
        size += len(row) + 1
        if size > LIMIT_BYTES:
            break
        count += 1
    head = json.dumps({"type": "worker_report", "clock": clock, "fault": fault})
    body = f'{head[:-1]},"workers":[{",".join(rows[:count])}]}}'
    return encode_frame(MESSAGE, 0, body.encode("ascii"))
