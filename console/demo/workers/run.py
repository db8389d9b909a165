"""One scripted run: what becomes of it as time passes, and how it obeys."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from console.demo.noise import around, identifier
from console.demo.workers import lines
from console.demo.workers.cast import OVER, Course, Role
from console.demo.workers.legs import lasts_s
from console.demo.workers.log import PAST_LINES, DemoLog
from workers.protocol import OUT, WorkerSpec

LIVE = frozenset({"created", "starting", "running", "stopping", "backoff"})
_STARTS_S, _STOPS_S, _DRAINS_S, _KILLS_S = 0.6, 3.0, 8.0, 0.3
_CRASHES_S, _BACK_OFF_S, _GIVES_UP_AT = 25.0, 12.0, 5
_QUIET = frozenset({Course.SILENT, Course.DISK_FULL, Course.WRITES_HANG, Course.KILL_PENDING})
_LASTING = frozenset({Course.DISK_FULL, Course.CRASH_LOOP, Course.BACK_OFF})  # a restart cures none
_SLOW_SHARE = 0.12
_WANTS = {"stop": "stopped", "kill": "stopped", "drain": "drained"}


class Event(NamedTuple):
    t: float
    text: str


class Moment(NamedTuple):
    """`t` is the demo's time in seconds, `epoch` the node's wall clock at its 0."""

    t: float
    epoch: float
    frozen: bool = False

    @property
    def clock(self) -> float:
        return self.epoch + self.t


class DemoRun:
    """A command is taken at once; what it takes time for happens when the clock gets there."""

    def __init__(self, role: Role, spec: WorkerSpec, began_t: float, new: bool = False) -> None:
        self.role, self.spec, self.course = role, spec, role.course
        over = "exited" if role.course in OVER else "running"
        self.state = "starting" if new else _STATES.get(role.course, over)
        ended_by_us = role.course in (Course.STOPPED, Course.KILL_PENDING)
        self.desired = "stopped" if ended_by_us else "running"
        self.attempt, self.restarts = 1 + role.restarts, role.restarts
        self.sequence, self.by = 1, spec.by
        self.pid: int | None = role.pid if self.state in ("running", "stopping") else None
        self.began_t = began_t
        self.ended_t = None if self.state in LIVE else -role.since_s
        self.stop_t = -role.since_s if role.course is Course.KILL_PENDING else None
        self.quiet_t = -role.since_s if role.course in _QUIET else None
        self.code, self.signal, self.oom = _ENDS.get(role.course, (None, None, False))
        self.events = _past(role, began_t)
        self._counted = (began_t, 0.0) if new else (0.0, role.done)  # since when, and from where on
        self._due: list[tuple[float, Callable[[float], None]]] = []
        self._hasty = False  # a demo that stands still waits for nothing
        self._log: DemoLog | None = None
        self._recalled = not new  # it has said lines before anybody looked
        self._lines, self._said_t = (0, began_t) if new else (PAST_LINES, 0.0)
        if role.course is Course.BACK_OFF and not new:
            self._due.append((_BACK_OFF_S, self._again))
        if role.legs and self.state == "running":
            self._due.append((began_t + lasts_s(role.legs), self._through))

    # ------------------------------------------------------------ time

    def advance(self, now: Moment) -> None:
        """What is due happens, and what it would have said is said."""
        while ready := [due for due in self._due if due[0] <= now.t]:
            due = min(ready, key=lambda pair: pair[0])
            self._due.remove(due)
            due[1](due[0])
        if self._log is not None:
            self._talk(now)

    def _after(self, t: float, delay_s: float, happens: Callable[[float], None]) -> None:
        self._due.append((t if self._hasty else t + delay_s, happens))

    # ------------------------------------------------------------ commands

    def begin(self, now: Moment) -> None:
        """Of a run that was started in the demo."""
        self._hasty = now.frozen
        self._after(now.t, _STARTS_S, self._started)
        self.advance(now)

    def act(self, act: str, now: Moment, by: str) -> None:
        """stop, kill, restart, restart_force, drain."""
        self._hasty = now.frozen
        self.sequence, self.by = self.sequence + 1, by
        self.desired = _WANTS.get(act, "running")
        self.events.append(Event(now.t, f"{act.replace('_', ' ')} asked by {by or 'somebody'}"))
        self._due.clear()
        if self.state in ("starting", "running", "stopping"):
            self._end_live(act, now)
        elif self.desired == "running":
            self._again(now.t)
        elif self.state == "backoff":
            self._end(now.t, None, None, "stopped")
        self.advance(now)

    def _end_live(self, act: str, now: Moment) -> None:
        force = act in ("kill", "restart_force")
        if self._log is not None and not force:
            which, text = (lines.draining if act == "drain" else lines.stopping)(now.clock)
            self._log.say(self.attempt, which, now.clock, text)
        if act != "drain":
            self.state, self.stop_t = "stopping", now.t
        if self.course is Course.KILL_PENDING:
            return
        code = None if force else 0 if act == "drain" else 143

        def over(t: float) -> None:
            self._end(t, code, 9 if force else None, "stopped")
            if self.desired == "running":
                self._again(t)

        delay_s = _DRAINS_S if act == "drain" else _KILLS_S if force else _STOPS_S
        self._after(now.t, delay_s, over)

    def _end(self, t: float, code: int | None, number: int | None, state: str) -> None:
        self.state, self.code, self.signal, self.oom = state, code, number, False
        self.ended_t, self.stop_t, self.pid, self.quiet_t = t, None, None, None
        how = f"exit {code}" if number is None else f"killed by signal {number}"
        self.events.append(Event(t, f"attempt {self.attempt} ended: {how}"))

    def _again(self, t: float) -> None:
        self.attempt, self.restarts = self.attempt + 1, self.restarts + 1
        if self.course not in _LASTING:
            self.course = Course.WELL
        self.state, self.ended_t, self.stop_t, self.began_t = "starting", None, None, t
        self.code = self.signal = None
        self.quiet_t = t + 9.0 if self.course in _QUIET else None
        self._counted, self._lines, self._said_t = (t, 0.0), 0, t
        self.events.append(Event(t, f"attempt {self.attempt} begins"))
        self._after(t, _STARTS_S, self._started)

    def _started(self, t: float) -> None:
        self.state = "running"
        self.pid = 70_000 + int(identifier(self.spec.run_id, self.attempt)[:4], 16) % 9_000
        self.events.append(Event(t, f"attempt {self.attempt} runs as process {self.pid}"))
        if self.spec.kind == "command":
            code = int("false" in self.spec.command)
            self._after(t, _STARTS_S, lambda at: self._end(at, code, None, "exited"))
        elif self.role.legs:
            self._due.append((t + lasts_s(self.role.legs), self._through))
        elif self.course in (Course.CRASH_LOOP, Course.BACK_OFF) and not self._hasty:
            self._after(t, _CRASHES_S, self._crash)

    def _through(self, t: float) -> None:
        """A job has been to each of its nodes."""
        bad = any(leg.fault for leg in self.role.legs)
        self.course = Course.PARTIAL if bad else Course.DONE
        self._end(t, int(bad), None, "exited")

    def _crash(self, t: float) -> None:
        self._end(t, 1, None, "exited")
        if self.restarts < _GIVES_UP_AT:
            self.state = "backoff"
            self._after(t, _BACK_OFF_S, self._again)
        else:
            self.course = Course.CRASH_LOOP
            self.events.append(Event(t, f"given up after {self.restarts} restarts"))

    # ------------------------------------------------------------ facts

    @property
    def running(self) -> bool:
        """A process of it lives."""
        return self.state in ("running", "stopping")

    def is_quiet(self, t: float) -> bool:
        """Alive, and nothing comes of it any more."""
        return self.running and self.quiet_t is not None and t >= self.quiet_t

    def quiet_s(self, t: float) -> float:
        """Since it last said anything."""
        if self.is_quiet(t) and self.quiet_t is not None:
            return t - self.quiet_t
        if not self.running:
            return 0.0 if self.ended_t is None else t - self.ended_t
        return t % lines.period_s(self.role)

    def rate(self, t: float) -> float:
        """Units a minute."""
        usual = self.role.per_minute * self._share
        return around(usual, usual * 0.06, self.role.pid, "rate", t)

    def done(self, t: float) -> float:
        """Units of this attempt."""
        since, before = self._counted
        if not self.running or self.is_quiet(t):
            return float(int(before))
        came = self.role.per_minute * self._share * (t - since) / 60.0
        return max(0.0, float(int(before + came)))

    @property
    def _share(self) -> float:
        return _SLOW_SHARE if self.course is Course.SLOW else 1.0

    @property
    def restarts_at(self) -> float | None:
        """When the next attempt begins, of one that waits for it."""
        if self.state != "backoff":
            return None
        return next((due for due, happens in self._due if happens == self._again), None)

    @property
    def stuck(self) -> tuple[str, ...]:
        """What SIGKILL does not end."""
        if self.course is not Course.KILL_PENDING or self.state != "stopping":
            return ()
        return (f"{self.role.pid} in D state (nv_wait_event)",)

    # ------------------------------------------------------------ the log

    @property
    def log_bytes(self) -> int | None:
        """None until somebody looked."""
        return self._log.size if self._log else None

    def lines_said(self, t: float) -> int:
        """How many lines it has said."""
        since_s = t - self._said_t if self.running and not self.is_quiet(t) else 0.0
        return max(0, self._lines + int(since_s // lines.period_s(self.role)))

    def log(self, now: Moment) -> DemoLog:
        """All it ever said, up to now."""
        if self._log is None:
            self._log = DemoLog()
            if self._recalled:
                self._recall(self._log, now)
        self.advance(now)
        return self._log

    def _recall(self, log: DemoLog, now: Moment) -> None:
        """What was said before anybody looked."""
        role, attempt = self.role, 1 + self.role.restarts
        for which, text in lines.opening(role, now.epoch - role.age_s):
            log.say(attempt, which, now.epoch - role.age_s, text)
        still = role.course in OVER or role.course in _QUIET or role.course is Course.BACK_OFF
        until = now.epoch - (role.since_s if still else 0.0)
        for number in range(PAST_LINES):
            clock = until - (PAST_LINES - number) * lines.period_s(role)
            which, text = lines.line(role, number, clock)
            log.say(attempt, which, clock, text)
        for which, text in lines.ending(role, until):
            log.say(attempt, which, until, text)

    def _talk(self, now: Moment) -> None:
        """What it said since the last look."""
        log, period_s = self._log, lines.period_s(self.role)
        assert log is not None
        if not self.running or self.is_quiet(now.t):
            return
        if self._lines == 0 and not log.end(self.attempt, OUT):
            for which, text in lines.opening(self.role, now.epoch + self.began_t):
                log.say(self.attempt, which, now.epoch + self.began_t, text)
        while self._said_t + period_s <= now.t:
            self._said_t += period_s
            clock = now.epoch + self._said_t
            which, text = lines.line(self.role, self._lines, clock)
            log.say(self.attempt, which, clock, text)
            self._lines += 1


def _past(role: Role, began_t: float) -> list[Event]:
    events = [Event(began_t - 0.2, "created")]
    if role.pid:
        events.append(Event(began_t, f"attempt 1 runs as process {role.pid}"))
    if role.course in OVER:
        events.append(Event(-role.since_s, f"ended: {role.course.name.lower().replace('_', ' ')}"))
    return events


_STATES = {
    Course.BACK_OFF: "backoff",
    Course.STOPPED: "stopped",
    Course.REBOOT: "lost",
    Course.KILL_PENDING: "stopping",
}
_ENDS: dict[Course, tuple[int | None, int | None, bool]] = {
    Course.CRASH_LOOP: (1, None, False),
    Course.BACK_OFF: (1, None, False),
    Course.OUT_OF_MEMORY: (None, 9, True),
    Course.CONFIGURATION: (4, None, False),
    Course.DONE: (0, None, False),
    Course.STOPPED: (143, None, False),
    Course.PARTIAL: (1, None, False),
    Course.REFUSED: (1, None, False),
}
