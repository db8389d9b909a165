"""One run as the report follows it. What did not change is looked at seldom, and told from memory.

A record is kept in two parts: what lasts, and what the passing of time alone changes.
"""

import json
import os
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from workers.agent.workers import progress as status
from workers.agent.workers.log_facts import LogFacts
from workers.agent.workers.record import Clocks, passing, record_of
from workers.agent.workers.trees import Forest, Tree, blocked_in
from workers.protocol import Progress, WorkerRecord, plain
from workers.supervisor.condition import Condition
from workers.supervisor.holder import holder
from workers.supervisor.run import Run

_AWAKE_S = 10.0  # after its last change a run is looked at closely at every turn
_REST_TURNS = 4  # else at one of so many

Stamp = Tuple[int, int]
_NO_STAMP: Stamp = (-1, 0)


class Turn(NamedTuple):
    """One round of looks at all runs."""

    number: int
    clocks: Clocks
    forest: Optional[Forest]  # None: nobody has swept the processes lately


class WatchedRun:
    """A look costs one ``stat`` for a run at rest."""

    def __init__(self, run: Run, number: int) -> None:
        self.run = run
        self.unattended = False
        """Whether it should have a pair and the last sweep saw none."""
        self._number = number  # spreads the close looks over the turns
        self._condition: Condition = run.condition()
        self._lasting: Optional[WorkerRecord] = None
        self._text = ""  # of what lasts, as JSON without its end
        self._stamp = _NO_STAMP
        self._basis: Tuple[Any, ...] = ()
        self._changed_at = self._looked_at = 0.0
        self._status = status.StatusFile()
        self._logs: Optional[LogFacts] = None
        self._attempt = -1
        self._pair: Tuple[int, ...] = ()

    @property
    def live(self) -> bool:
        return self._condition.live

    def look(self, turn: Turn, closely: bool = False) -> bool:
        """Whether anything that lasts has changed; what is old in it is ``_REST_TURNS`` turns old at most."""
        stamp = self._now()
        if self._lasting is not None and not closely and stamp == self._stamp:
            self.unattended = self._without_pair(turn.forest)
            if self._condition.finished or not self._due(turn):
                return False
        self._stamp = stamp
        return self._look_closely(turn)

    def record(self, clocks: Clocks) -> WorkerRecord:
        """The record of this instant. Only after a look."""
        assert self._lasting is not None
        found = passing(self._condition, clocks)
        age_s = self._log_age_s(clocks.boottime)
        return self._lasting._replace(
            progress=self._progress(clocks.boottime), log_age_s=age_s, **found._asdict()
        )

    def text(self, clocks: Clocks) -> str:
        """As ``record``, in JSON; what has its default stays out. Only after a look."""
        passed: Dict[str, Any] = passing(self._condition, clocks)._asdict()
        passed["log_age_s"] = self._log_age_s(clocks.boottime)
        words = [f',"{name}":{value!r}' for name, value in passed.items() if value is not None]
        progress = self._progress(clocks.boottime)
        if progress is not None:
            words.append(f',"progress":{json.dumps(compact(progress), separators=(",", ":"))}')
        return self._text + "".join(words) + "}"

    # ------------------------------------------------------------ when to look

    def _now(self) -> Stamp:
        """Changes with every event; of a finished run with every wish and every new attempt."""
        paths = self.run.paths
        try:
            found = os.stat(paths.folder if self._condition.finished else paths.events)
        except OSError:
            return _NO_STAMP
        return (found.st_size, found.st_mtime_ns)

    def _due(self, turn: Turn) -> bool:
        if turn.clocks.boottime - self._changed_at < _AWAKE_S:
            return True
        return (turn.number + self._number) % _REST_TURNS == 0

    # ------------------------------------------------------------ a close look

    def _look_closely(self, turn: Turn) -> bool:
        condition = self.run.condition()
        if self._lasting is None or condition is not self._condition:
            self._follow(condition)
        self._look_at_files(turn.clocks)
        basis = (condition, self.run.desired(), self._status.fault, self._status.progress,
                 self._facts(), self._figures(turn.forest), turn.clocks.boot_id)  # fmt: skip
        if basis == self._basis:
            return False
        self._basis = basis
        self._changed_at = turn.clocks.boottime
        self._tell(turn)
        return True

    def _follow(self, condition: Condition) -> None:
        """Takes over a new condition, and with a new attempt its files."""
        self._condition = condition
        signed = None if condition.finished else holder(self.run.paths.lock)
        self._pair = tuple(keeper.pid for keeper in signed.keepers) if signed else ()
        if condition.attempt != self._attempt:
            self._attempt, self._status, self._logs = condition.attempt, status.StatusFile(), None
            self._looked_at = 0.0
            paths, spec = self.run.newest_attempt(), self.run.spec()
            if paths is not None:
                self._logs = LogFacts(paths, spec.progress_pattern, spec.progress_unit)

    def _look_at_files(self, clocks: Clocks) -> None:
        if self._logs is None:
            return
        now = clocks.boottime
        past_s = now - self._looked_at if self._looked_at else None
        self._looked_at = now
        self._status = status.look(self._logs.paths.status, self._status, clocks.wall, now, past_s)
        self._logs.look(clocks.wall, now, past_s)

    def _facts(self) -> Tuple[Any, ...]:
        logs = self._logs
        if logs is None:
            return (None, "", "", None)
        return (logs.bytes, logs.last_line, logs.warning, logs.matched)

    def _figures(self, forest: Optional[Forest]) -> Tuple[Tree, Optional[str]]:
        """What its processes use, and where the main one is blocked."""
        now = self._condition
        self.unattended = self._without_pair(forest)
        if forest is None or not forest.holds(now.pid, now.ticks):
            return Tree(), None
        pid = now.pid or 0
        found = forest.tree(forest.descendants(self._roots(pid, forest), self._pair))
        return found, blocked_in(pid, forest.readings[pid])

    def _without_pair(self, forest: Optional[Forest]) -> bool:
        if forest is None or self._condition.finished:
            return False
        return forest.readings.keys().isdisjoint(self._pair)

    def _roots(self, pid: int, forest: Forest) -> List[int]:
        """Who left the tree of the main process belongs to the subreaper above it."""
        parent = forest.readings[pid].parent_pid
        return [pid, *forest.children(parent)] if parent in self._pair else [pid]

    def _tell(self, turn: Turn) -> None:
        """Puts what lasts into words."""
        condition, desired, fault, _, facts, (tree, blocked), boot = self._basis
        warnings = (*condition.warnings, *self.run.faults(), fault, facts[2])
        self._lasting = record_of(
            self.run.spec(),
            condition,
            desired,
            boot,
            tuple(text for text in warnings if text),
            self.run.unreadable,
        )._replace(log_bytes=facts[0], last_line=facts[1], blocked_in=blocked, **tree._asdict())
        self._text = json.dumps(compact(self._lasting), separators=(",", ":"))[:-1]

    # ------------------------------------------------------------ what passes

    def _log_age_s(self, now: float) -> Optional[float]:
        age_s = None if self._logs is None else self._logs.age_s(now)
        return None if age_s is None else round(age_s, 1)

    def _progress(self, now: float) -> Optional[Progress]:
        found = self._status.progress
        if found is not None:
            return found._replace(age_s=round(self._status.age.age_s(now), 1))
        return None if self._logs is None else self._logs.progress(now)


def compact(shape: Any) -> Dict[str, Any]:
    """The JSON form without what has its default, which is most of a record."""
    defaults = shape._field_defaults
    return {
        name: plain(value)
        for name, value in zip(shape._fields, shape)
        if name not in defaults or value != defaults[name]
    }
