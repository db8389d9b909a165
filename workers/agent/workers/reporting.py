"""The report about all runs of the node, as the console asked for it."""

import json
import os
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from workers.agent.workers.record import Clocks
from workers.agent.workers.trees import Forest
from workers.agent.workers.watched import Turn, WatchedRun
from workers.machine.boot import boot_id, boottime
from workers.protocol import MESSAGE, Progress, WorkerRecord, WorkerReport, encode_frame, plain
from workers.supervisor.run import Run
from workers.supervisor.runs import Runs

LONGEST_S = 5.0  # between two reports
MOST_ENDED = 1000
LIMIT_BYTES = 3 * 1024 * 1024  # of one report: the oldest ended runs go first
_LIST_TURNS = 5  # a folder changed twice in one tick of the clock looks unchanged


class Report(NamedTuple):
    """``frame`` None: nothing changed and the last one is not old."""

    frame: Optional[bytes]
    unattended: bool = False  # some run has lost its pair


class Reporter:
    """Looks at all runs at each turn. Used by one thread at a time."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._watched: Dict[str, WatchedRun] = {}
        self._listed = 0
        self._turns = 0
        self._last_turn: Optional[float] = None
        self._sent: Tuple[object, ...] = ()
        self._sent_at: Optional[float] = None

    def report(self, limit: int, forest: Optional[Forest], force: bool = False) -> Report:
        """The frame of the report of now, where there is news, it was long ago, or ``force``."""
        now = boottime()
        clocks = Clocks(time.time(), now, boot_id())
        past_s = None if self._last_turn is None else now - self._last_turn
        self._turns, self._last_turn = self._turns + 1, now
        turn = Turn(self._turns, clocks, past_s, forest)
        fault = None
        try:
            records = self._look(turn, max(0, min(limit, MOST_ENDED)), force)
        except OSError as error:
            records, fault = [], f"{self._runs.folder}: {error.strerror or error}"
        news = (fault, *(_lasting(record) for record in records))
        late = self._sent_at is None or now - self._sent_at >= LONGEST_S
        unattended = any(known.unattended for known in self._watched.values())
        if not force and not late and news == self._sent:
            return Report(None, unattended)
        self._sent, self._sent_at = news, now
        return Report(encode(WorkerReport(clocks.wall, tuple(records), fault)), unattended)

    def _look(self, turn: Turn, limit: int, closely: bool) -> List[WorkerRecord]:
        found, ended = [], 0
        if closely or turn.number % _LIST_TURNS == 0 or self._stamp() != self._listed:
            self._list()
        for known in self._watched.values():
            record = known.look(turn, closely)
            if not known.run.condition().live:
                ended += 1
                if ended > limit:
                    continue
            found.append(record)
        return found

    def _list(self) -> None:
        """The newest first."""
        self._listed = self._stamp()
        self._watched = {run.run_id: self._known(run) for run in self._runs.all()}

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
    turn = Turn(0, Clocks(time.time(), boottime(), boot_id()), None, forest)
    return WatchedRun(run, 0).look(turn)


def encode(report: WorkerReport) -> bytes:
    """The frame. What has its default stays out: it is most of a record."""
    rows = [_compact(record) for record in report.workers]
    size = 0
    kept: List[str] = []
    for row in rows:
        text = json.dumps(row, separators=(",", ":"))
        size += len(text) + 1
        if size > LIMIT_BYTES:
            break
        kept.append(text)
    head = json.dumps({"type": "worker_report", "clock": report.clock, "fault": report.fault})
    body = f'{head[:-1]},"workers":[{",".join(kept)}]}}'
    return encode_frame(MESSAGE, 0, body.encode("ascii"))


def _compact(record: Any) -> Dict[str, Any]:
    defaults = record._field_defaults
    found = {}
    for name, value in zip(record._fields, record):
        if name not in defaults or value != defaults[name]:
            found[name] = _compact(value) if isinstance(value, Progress) else plain(value)
    return found


def _lasting(record: WorkerRecord) -> WorkerRecord:
    """The record without what passes by itself."""
    if record.progress is not None:
        record = record._replace(progress=record.progress._replace(age_s=None))
    # What a clock alone changes is no news.
    return record._replace(running_s=None, log_age_s=None, restart_in_s=None, stopping_s=None)
