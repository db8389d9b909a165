"""One run as the report follows it. What did not change is looked at seldom and read not at all."""

import os
from typing import NamedTuple, Optional, Tuple

from workers.agent.workers import progress as status
from workers.agent.workers.log_facts import LogFacts
from workers.agent.workers.record import Clocks, record_of, told_anew
from workers.agent.workers.trees import Forest, Tree, blocked_in
from workers.protocol import Progress, WorkerRecord, WorkerSpec
from workers.supervisor.condition import Condition
from workers.supervisor.holder import holder
from workers.supervisor.run import Run

_AWAKE_S = 10.0  # after its last change a run is looked at closely at every turn
_REST_TURNS = 4  # else at one of so many


class Turn(NamedTuple):
    """One round of looks at all runs."""

    number: int
    clocks: Clocks
    past_s: Optional[float]  # since the turn before
    forest: Optional[Forest]  # None: nobody has swept the processes lately


class WatchedRun:
    """``look()`` gives its record. Costs one ``stat`` for a run at rest."""

    def __init__(self, run: Run, number: int) -> None:
        self.run = run
        self._number = number  # spreads the close looks over the turns
        self._condition: Optional[Condition] = None
        self._record: Optional[WorkerRecord] = None
        self._folder_stamp = 0
        self._changed_at = -_AWAKE_S
        self._looked_at: Optional[float] = None
        self._status = status.StatusFile()
        self._logs: Optional[LogFacts] = None
        self._pair: Tuple[int, ...] = ()
        self.unattended = False
        """Whether it should have a pair and the last sweep saw none."""

    def look(self, turn: Turn, closely: bool = False) -> WorkerRecord:
        """The record of this instant; what is old in it is at most ``_REST_TURNS`` turns old."""
        before, known = self._record, self._condition
        if before is not None and known is not None:
            if known.finished and not closely and self._folder() == self._folder_stamp:
                return before
            if self.run.condition() is known and not closely and not self._due(turn):
                self._record = self._told(told_anew(before, known, turn.clocks), known, turn)
                return self._record
        self._record = self._closely(turn)
        return self._record

    @property
    def spec(self) -> WorkerSpec:
        return self.run.spec()

    def _due(self, turn: Turn) -> bool:
        if turn.clocks.boottime - self._changed_at < _AWAKE_S:
            return True
        return (turn.number + self._number) % _REST_TURNS == 0

    def _folder(self) -> int:
        try:
            return os.stat(self.run.paths.folder).st_mtime_ns
        except OSError:
            return 0

    def _closely(self, turn: Turn) -> WorkerRecord:
        self._folder_stamp = self._folder()
        spec, condition = self.run.spec(), self.run.condition()
        if self._condition is None or condition.attempt != self._condition.attempt:
            self._new_attempt(spec)
        if condition is not self._condition:
            self._find_pair(condition)
            self._changed_at = turn.clocks.boottime
        self._condition = condition
        clocks, logs = turn.clocks, self._logs
        self._look_at_files(clocks)
        warnings = condition.warnings + self.run.faults() + (self._status.fault,)
        if logs is not None:
            warnings += (logs.warning,)
        found = record_of(
            spec,
            condition,
            self.run.desired(),
            clocks,
            tuple(text for text in warnings if text),
            self.run.unreadable,
        )
        if logs is not None:
            found = found._replace(log_bytes=logs.bytes, last_line=logs.last_line)
        return self._told(found, condition, turn)

    def _new_attempt(self, spec: WorkerSpec) -> None:
        paths = self.run.newest_attempt()
        self._status = status.StatusFile()
        self._looked_at = None
        self._logs = None
        if paths is not None:
            self._logs = LogFacts(paths, spec.progress_pattern, spec.progress_unit)

    def _find_pair(self, condition: Condition) -> None:
        signed = None if condition.finished else holder(self.run.paths.lock)
        self._pair = tuple(keeper.pid for keeper in signed.keepers) if signed else ()

    def _look_at_files(self, clocks: Clocks) -> None:
        paths, logs = self.run.newest_attempt(), self._logs
        if paths is None or logs is None:
            return
        now = clocks.boottime
        past_s = None if self._looked_at is None else now - self._looked_at
        self._looked_at = now
        before = (self._status, logs.bytes)
        self._status = status.look(paths.status, self._status, clocks.wall, now, past_s)
        logs.look(clocks.wall, now, past_s)
        if (self._status, logs.bytes) != before:
            self._changed_at = now

    def _told(self, found: WorkerRecord, condition: Condition, turn: Turn) -> WorkerRecord:
        """With what is told anew at each turn."""
        now = turn.clocks.boottime
        age_s = self._logs.age_s(now) if self._logs is not None else None
        found = found._replace(
            progress=self._progress(now), log_age_s=None if age_s is None else round(age_s, 1)
        )
        self.unattended = self._without_pair(condition, turn.forest)
        tree, blocked = Tree(), None
        if turn.forest is not None and turn.forest.holds(condition.pid, condition.ticks):
            pid = condition.pid or 0
            tree = turn.forest.tree(
                turn.forest.descendants(self._roots(pid, turn.forest), self._pair)
            )
            blocked = blocked_in(pid, turn.forest.readings[pid])
        return found._replace(**tree._asdict(), blocked_in=blocked)

    def _without_pair(self, condition: Condition, forest: Optional[Forest]) -> bool:
        if forest is None or not self._pair or condition.finished:
            return False
        return not any(pid in forest.readings for pid in self._pair)

    def _roots(self, pid: int, forest: Forest) -> "list[int]":
        """Who left the tree of the main process belongs to the subreaper above it."""
        parent = forest.readings[pid].parent_pid
        return [pid, *forest.children(parent)] if parent in self._pair else [pid]

    def _progress(self, now: float) -> Optional[Progress]:
        found = self._status.progress
        if found is not None:
            return found._replace(age_s=round(self._status.age.age_s(now), 1))
        return self._logs.progress(now) if self._logs is not None else None
