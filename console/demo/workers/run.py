"""One scripted run: what it is at a moment, and how it obeys."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from console.demo.noise import around, identifier
from console.demo.workers import lines
from console.demo.workers.cast import OVER, Course, Role
from console.demo.workers.log import PAST_LINES, DemoLog, last_line
from workers.protocol import Progress, Variable, WorkerRecord, WorkerSpec
from workers.protocol.worker_messages import RestartRule

LIVE = frozenset({"created", "starting", "running", "stopping", "backoff"})
_STARTS_S, _STOPS_S, _DRAINS_S, _KILLS_S = 0.6, 3.0, 8.0, 0.3
_CRASHES_S, _BACK_OFF_S, _GIVES_UP_AT = 25.0, 12.0, 5
_QUIET = frozenset({Course.SILENT, Course.DISK_FULL, Course.WRITES_HANG, Course.KILL_PENDING})
_UNTIRING = frozenset({Course.DISK_FULL, Course.SILENT, Course.CRASH_LOOP, Course.BACK_OFF})


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
    """Commands change it at once; what takes time happens when the clock gets there."""

    def __init__(self, role: Role, spec: WorkerSpec, began_t: float, new: bool = False) -> None:
        self.role = role
        self.spec = spec
        self.state = "starting" if new else _STATES.get(role.course, "running")
        self.course = role.course
        self.desired = (
            "stopped" if role.course in (Course.STOPPED, Course.KILL_PENDING) else "running"
        )
        self.attempt = 1 + role.restarts
        self.restarts = role.restarts
        self.sequence = 1
        self.by = spec.by
        self.pid: int | None = role.pid if self.state in ("running", "stopping") else None
        self.began_t = began_t
        self.ended_t: float | None = None if self.state in LIVE else -role.since_s
        self.stop_t: float | None = -role.since_s if role.course is Course.KILL_PENDING else None
        self.code, self.signal, self.oom = _ENDS.get(role.course, (None, None, False))
        self.events: list[Event] = _past(role, began_t) if not new else [Event(began_t, "created")]
        self._done = (began_t if new else 0.0, 0.0 if new else role.done)
        self._due: list[tuple[float, Callable[[float], None]]] = []
        self._log: DemoLog | None = None
        self._said_until = 0.0 if not new else began_t
        self._lines = PAST_LINES if not new else 0
        self._new = new
        if role.course is Course.BACK_OFF and not new:
            self._due.append((_BACK_OFF_S, self._again))

    # ------------------------------------------------------------ time

    def advance(self, now: Moment) -> None:
        """What is due happens; in a demo that stands still it happens at once."""
        for _ in range(4):
            ready = [
                due
                for due in self._due
                if due[0] <= now.t or (now.frozen and due[0] > 0.0 and self._asked)
            ]
            if not ready:
                break
            due = min(ready, key=lambda pair: pair[0])
            self._due.remove(due)
            due[1](min(due[0], now.t) if not now.frozen else now.t)
        if self._log is not None:
            self._talk(now)

    _asked = False

    def _at(self, t: float, happens: Callable[[float], None]) -> None:
        self._due.append((t, happens))

    # ------------------------------------------------------------ commands

    def act(self, act: str, now: Moment, by: str) -> None:
        """stop, kill, restart, restart_force, drain; each is obeyed in its own time."""
        self._asked = True
        self.sequence += 1
        self.by = by
        self.desired = {"stop": "stopped", "kill": "stopped", "drain": "drained"}.get(
            act, "running"
        )
        self.events.append(Event(now.t, f"{act.replace('_', ' ')} asked by {by or 'somebody'}"))
        self._due.clear()
        again = act in ("restart", "restart_force")
        if self.state not in LIVE or self.state == "backoff":
            if again:
                self._again(now.t)
            elif self.state == "backoff":
                self._end(now.t, None, None, "stopped")
            return
        self._say_end(act, now)
        if act != "drain":
            self.state, self.stop_t = "stopping", now.t
        if self.course is Course.KILL_PENDING:
            return
        after = {"drain": _DRAINS_S, "kill": _KILLS_S, "restart_force": _KILLS_S}.get(act, _STOPS_S)
        code, number = (None, 9) if after == _KILLS_S else (0 if act == "drain" else 143, None)

        def over(t: float) -> None:
            self._end(t, code, number, "stopped")
            if again:
                self._again(t)

        self._at(now.t + after, over)
        self.advance(now)

    def _say_end(self, act: str, now: Moment) -> None:
        if self._log is None or act in ("kill", "restart_force"):
            return
        which, text = (lines.draining if act == "drain" else lines.stopping)(now.clock)
        self._log.say(self.attempt, which, now.clock, text)

    def _end(self, t: float, code: int | None, number: int | None, state: str) -> None:
        self.state, self.code, self.signal, self.oom = state, code, number, False
        self.ended_t, self.stop_t, self.pid = t, None, None
        how = f"exit {code}" if number is None else f"killed by signal {number}"
        self.events.append(Event(t, f"attempt {self.attempt} ended: {how}"))

    def _again(self, t: float) -> None:
        self.attempt += 1
        self.restarts += 1
        if self.course not in _UNTIRING:
            self.course = Course.WELL
        self.state, self.ended_t, self.stop_t, self.began_t = "starting", None, None, t
        self.code = self.signal = None
        self._done, self._said_until, self._lines = (t, 0.0), t, 0
        self._new = True
        self.events.append(Event(t, f"attempt {self.attempt} begins"))
        self._at(t + _STARTS_S, self._started)

    def begin(self, now: Moment) -> None:
        """Of a run that was started in the demo."""
        self._asked = True
        self._at(now.t + _STARTS_S, self._started)
        self.advance(now)

    def _started(self, t: float) -> None:
        self.state, self.pid = "running", 70_000 + int(identifier(self.spec.run_id, self.attempt)[:4], 16) % 9_000  # fmt: skip
        self.events.append(Event(t, f"attempt {self.attempt} runs as process {self.pid}"))
        if self.spec.kind == "command":
            self._at(t + _STARTS_S, lambda at: self._end(at, int("false" in self.spec.command), None, "exited"))  # fmt: skip
        elif self.course in (Course.CRASH_LOOP, Course.BACK_OFF):
            self._at(t + _CRASHES_S, self._crash)

    def _crash(self, t: float) -> None:
        self._end(t, 1, None, "exited")
        if self.restarts < _GIVES_UP_AT:
            self.state = "backoff"
            self._at(t + _BACK_OFF_S, self._again)
        else:
            self.course = Course.CRASH_LOOP
            self.events.append(Event(t, f"given up after {self.restarts} restarts"))

    # ------------------------------------------------------------ facts

    def rate(self, t: float) -> float:
        """Units a minute."""
        share = 0.12 if self.course is Course.SLOW else 1.0
        return around(self.role.per_minute * share, self.role.per_minute * share * 0.06, self.role.pid, "rate", t)  # fmt: skip

    def done(self, t: float) -> float:
        since, before = self._done
        if self.state not in ("running", "stopping") or self.course in _QUIET:
            return float(int(before))
        share = 0.12 if self.course is Course.SLOW else 1.0
        return float(int(before + self.role.per_minute * share * (t - since) / 60.0))

    def quiet_s(self, t: float) -> float:
        """Since it last said anything."""
        if self.course in _QUIET and not self._new:
            return self.role.since_s + t
        if self.state != "running":
            return t - (self.ended_t if self.ended_t is not None else t)
        return t % lines.period_s(self.role)

    def record(self, now: Moment) -> WorkerRecord:
        t, role, live = now.t, self.role, self.state in LIVE
        running = self.state in ("running", "stopping")
        busy = running and not (self.course in _QUIET and role.cpu_percent < 1)
        lost = self.state == "lost"
        back_off = next((due for due, happens in self._due if happens == self._again), None)
        said = lines.ending(role, now.clock)
        quiet = self.course in _QUIET or not running
        clock = now.clock - self.quiet_s(t)
        return WorkerRecord(
            run_id=self.spec.run_id, name=self.spec.name, state=self.state, desired=self.desired,
            flags=tuple(sorted({*(role.flags if running else ()), *(("kill_pending",) if self._stuck else ())})),
            lost_reason="reboot" if lost else None, preset=self.spec.preset, kind=self.spec.kind,
            command=self.spec.command, attempt=self.attempt, restarts=self.restarts,
            crash_loop=self.course is Course.CRASH_LOOP and not live,
            pid=self.pid, start_ticks=None if self.pid is None else self.pid * 100,
            exit_code=self.code, signal=self.signal, oom=self.oom,
            started_at=now.epoch + self.began_t,
            ended_at=None if self.ended_t is None else now.epoch + self.ended_t,
            running_s=t - self.began_t if running else None,
            last_seen_at=now.epoch - role.since_s - 4.0 if lost else None,
            restart_in_s=None if back_off is None or self.state != "backoff" else max(0.0, back_off - t),
            stopping_s=None if self.stop_t is None else t - self.stop_t,
            grace_s=self.spec.grace_s, kill_pending=self._stuck,
            sequence=self.sequence, by=self.by, drain=self.spec.drain, gpu_indices=self.spec.gpu_indices,
            singleton=self.spec.singleton, progress=self._progress(now) if live or self.done(t) else None,
            processes=role.processes if running else None,
            cpu_percent=None if not running else around(role.cpu_percent, role.cpu_percent * 0.1 * busy, role.pid, "cpu", t),
            memory_bytes=role.memory_bytes if running else None,
            gpu_memory_bytes=role.gpu_memory_bytes if running else None,
            blocked_in="jbd2_log_wait_commit" if running and self.course is Course.WRITES_HANG else None,
            log_bytes=self._log.size if self._log else 86 * self._number(t),
            log_age_s=self.quiet_s(t),
            last_line=_last(said) if quiet and said else last_line(role, self._number(t), clock) if running else "",
            warnings=role.warnings if running else (), tags=self.spec.tags,
        )  # fmt: skip

    @property
    def _stuck(self) -> tuple[str, ...]:
        if self.course is not Course.KILL_PENDING or self.state != "stopping":
            return ()
        return (f"{self.role.pid} in D state (nv_wait_event)",)

    def _progress(self, now: Moment) -> Progress:
        role, t = self.role, now.t
        quiet = self.course in _QUIET and not self._new
        rated = self.state == "running" and not quiet and role.per_minute > 0
        return Progress(
            phase=role.phase, done=self.done(t), total=role.total, unit=role.unit,
            rate_per_minute=self.rate(t) if rated else None, message=role.says, health="ok",
            age_s=role.since_s + t if quiet else t % 2.0 if self.state == "running" else None,
        )  # fmt: skip

    # ------------------------------------------------------------ the log

    def log(self, now: Moment) -> DemoLog:
        """All it ever said, up to now."""
        if self._log is None:
            self._log = DemoLog()
            self._recall(now)
        self.advance(now)
        return self._log

    def _number(self, t: float) -> int:
        quiet = self.course in _QUIET and not self._new
        since = 0.0 if quiet or self.state not in ("running", "stopping") else t - self._said_until
        return max(0, self._lines + int(since / lines.period_s(self.role)))

    def _recall(self, now: Moment) -> None:
        """What was said before anybody looked."""
        log, role = self._log, self.role
        assert log is not None
        for which, text in lines.opening(role, now.epoch + self.began_t):
            log.say(self.attempt, which, now.epoch + self.began_t, text)
        if self._new:
            return
        over = self.course in OVER or self.course in _QUIET or self.course is Course.BACK_OFF
        until = -role.since_s if over else 0.0
        for number in range(PAST_LINES):
            clock = now.epoch + until - (PAST_LINES - number) * lines.period_s(role)
            log.say(self.attempt, *_timed(lines.line(role, number, clock), clock))
        for which, text in lines.ending(role, now.epoch + until):
            log.say(self.attempt, which, now.epoch + until, text)

    def _talk(self, now: Moment) -> None:
        """What it said since the last look."""
        log, period_s = self._log, lines.period_s(self.role)
        assert log is not None
        if self.course in _QUIET or self.state not in ("running", "stopping"):
            return
        if self._new and self.attempt != log.newest_attempt:
            for which, text in lines.opening(self.role, now.epoch + self.began_t):
                log.say(self.attempt, which, now.epoch + self.began_t, text)
        while self._said_until + period_s <= now.t:
            self._said_until += period_s
            clock = now.epoch + self._said_until
            log.say(self.attempt, *_timed(lines.line(self.role, self._lines, clock), clock))
            self._lines += 1


def _timed(said: lines.Said, clock: float) -> tuple[int, float, str]:
    return said[0], clock, said[1]


def _last(said: list[lines.Said]) -> str:
    return said[-1][1].rstrip().splitlines()[-1] if said else ""


def _past(role: Role, began_t: float) -> list[Event]:
    events = [
        Event(began_t - 0.2, "created"),
        Event(began_t, f"attempt 1 runs as process {role.pid}"),
    ]
    if role.course in OVER:
        events.append(Event(-role.since_s, f"ended: {role.course.name.lower().replace('_', ' ')}"))
    return events


_STATES = {
    Course.CRASH_LOOP: "exited",
    Course.BACK_OFF: "backoff",
    Course.OUT_OF_MEMORY: "exited",
    Course.CONFIGURATION: "exited",
    Course.DONE: "exited",
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
}


def spec_of(role: Role, run_id: str) -> WorkerSpec:
    """The specification that this role would have been started with."""
    return WorkerSpec(
        run_id=run_id, name=role.name, command=role.command, preset=role.preset, kind=role.kind,
        environment=(Variable("OMP_NUM_THREADS", "1"),), gpus=len(role.gpu_indices),
        gpu_indices=role.gpu_indices, restart=RestartRule(role.restart), drain=role.drain,
        singleton=role.singleton, by="mara@home",
    )  # fmt: skip


def role_of(spec: WorkerSpec) -> Role:
    """How a worker that is started in the demo behaves: well."""
    return Role(
        name=spec.name, preset=spec.preset, command=spec.command, kind=spec.kind, per_minute=12.0,
        drain=spec.drain, gpu_indices=spec.gpu_indices, restart=spec.restart.policy,
    )  # fmt: skip
