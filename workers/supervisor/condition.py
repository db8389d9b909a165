"""What a run is now: the fold of its events. Pure: no file, no clock."""

from typing import Any, Callable, Dict, Iterable, Mapping, NamedTuple, Optional, Tuple

from workers.supervisor import events as kinds

CREATED, STARTING, RUNNING, STOPPING = "created", "starting", "running", "stopping"
BACKOFF, STOPPED, EXITED, LOST = "backoff", "stopped", "exited", "lost"
LIVE = frozenset({CREATED, STARTING, RUNNING, STOPPING, BACKOFF})
ENDED = frozenset({STOPPED, EXITED, LOST})
_WITH_PROCESS = frozenset({STARTING, RUNNING, STOPPING})
_WARNINGS = 8  # the newest are kept


class Condition(NamedTuple):
    """One run at one instant. Wall times are for people; ``boottime`` values decide."""

    state: str = CREATED
    attempt: int = 0
    restarts: int = 0  # attempts that followed another by policy
    pid: Optional[int] = None  # of the attempt that lives
    ticks: Optional[int] = None
    exit_code: Optional[int] = None  # of the last attempt that ended
    signal: Optional[int] = None
    oom: bool = False
    core: bool = False
    error: Optional[str] = None
    lost_reason: Optional[str] = None
    last_seen: Optional[float] = None
    adopted: bool = False
    unguarded: bool = False
    crash_loop: bool = False
    finished: bool = False  # the pair has nothing more to do
    leftovers: int = 0
    kill_pending: Tuple[str, ...] = ()
    sequence: int = 0  # of the desired state that was last acted on
    want: str = "running"  # of the same: running, stopped, drained
    stop_asked: bool = False  # by the last desired state that was acted on
    drain_asked: bool = False
    start_asked: bool = False  # an attempt follows at once, whatever the policy says
    stopping_since: Optional[float] = None  # boottime
    restart_at: Optional[float] = None  # boottime
    upcoming: int = 0  # the attempt that a back-off precedes
    started_wall: Optional[float] = None  # of the first attempt
    attempt_started: Optional[float] = None  # boottime
    ended_wall: Optional[float] = None
    attempt_boot_id: str = ""  # in which the boottimes and the pid above hold
    boot_id: str = ""  # of the last event
    warnings: Tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        return self.state in LIVE


Event = Mapping[str, Any]


def fold(history: Iterable[Event], start: Condition = Condition()) -> Condition:  # noqa: B008
    """The condition after these events, from ``start`` on.

    An unknown kind, and an event that lacks what its kind carries, changes nothing.
    """
    condition = start
    for event in history:
        step = _STEPS.get(str(event.get("kind")))
        if step is not None:
            try:
                condition = step(condition, event)
            except (KeyError, TypeError, ValueError):
                continue
        condition = condition._replace(boot_id=str(event.get("boot_id", condition.boot_id)))
    return condition


def _integer(event: Event, name: str) -> int:
    """Raises KeyError, TypeError."""
    value = event[name]
    if type(value) is not int:
        raise TypeError(name)
    return value


def _count(event: Event, name: str) -> Optional[int]:
    value = event.get(name)
    return value if type(value) is int else None


def _time(event: Event, name: str) -> Optional[float]:
    value = event.get(name)
    return float(value) if isinstance(value, (int, float)) else None


def _attempt(now: Condition, event: Event) -> int:
    """Which one it is about: the history may have lost the event that began it."""
    return max(now.attempt, _count(event, "attempt") or 0)


def _boot(event: Event) -> str:
    return str(event.get("boot_id", ""))


def _intent(now: Condition, event: Event) -> Condition:
    return now._replace(
        state=STARTING,
        attempt=_integer(event, "attempt"),
        # An attempt that could not be forked is tried again under its own number: no restart.
        restarts=now.restarts
        + (now.state == BACKOFF and not now.start_asked and now.upcoming != now.attempt),
        pid=None,
        ticks=None,
        error=None,
        lost_reason=None,
        adopted=False,
        crash_loop=False,
        finished=False,
        leftovers=0,
        kill_pending=(),
        stop_asked=False,
        drain_asked=False,
        start_asked=False,
        stopping_since=None,
        restart_at=None,
        upcoming=0,
        attempt_started=None,
        ended_wall=None,
        attempt_boot_id=_boot(event),
    )


def _started(now: Condition, event: Event) -> Condition:
    return now._replace(
        state=STOPPING if now.stopping_since is not None else RUNNING,
        attempt=_attempt(now, event),
        pid=_integer(event, "pid"),
        ticks=_integer(event, "ticks"),
        started_wall=now.started_wall or _time(event, "wall"),
        attempt_started=_time(event, "boottime"),
        ended_wall=None,
        exit_code=None,
        signal=None,
        oom=False,
        core=False,
        attempt_boot_id=_boot(event),
    )


def _exec_failed(now: Condition, event: Event) -> Condition:
    return now._replace(
        state=STOPPED if now.stop_asked else EXITED,
        attempt=_attempt(now, event),
        pid=None,
        ticks=None,
        error=str(event["text"]),
        exit_code=None,
        signal=None,
        ended_wall=_time(event, "wall"),
    )


def _adopted(now: Condition, event: Event) -> Condition:
    return now._replace(
        state=STOPPING if now.stopping_since is not None else RUNNING,
        attempt=_attempt(now, event),
        adopted=True,
        unguarded=False,
        finished=False,
        pid=_integer(event, "pid"),
        ticks=_integer(event, "ticks"),
        error=None,
        lost_reason=None,
        exit_code=None,
        signal=None,
        started_wall=now.started_wall or _time(event, "wall"),
        ended_wall=None,
        attempt_boot_id=_boot(event),
    )


def _desired(now: Condition, event: Event) -> Condition:
    now = now._replace(sequence=_integer(event, "sequence"), want=str(event.get("want", now.want)))
    wanted = _WANTS.get(str(event.get("act")))
    return now if wanted is None else wanted(now, event)


def _wants_stop(now: Condition, event: Event) -> Condition:
    now = now._replace(stop_asked=True, start_asked=False)
    if now.state in _WITH_PROCESS:
        return _stopping(now, event)
    return _not_begun(now, event)


def _wants_restart(now: Condition, event: Event) -> Condition:
    if now.state == CREATED:
        return now
    now = now._replace(stop_asked=False, drain_asked=False, start_asked=True, finished=False)
    if now.state in _WITH_PROCESS:
        return _stopping(now, event)
    return now


def _wants_start(now: Condition, event: Event) -> Condition:
    if now.state in (CREATED, STARTING, RUNNING) and not now.drain_asked:
        return now
    return now._replace(stop_asked=False, drain_asked=False, start_asked=True, finished=False)


def _wants_drain(now: Condition, event: Event) -> Condition:
    return _not_begun(now._replace(drain_asked=True, start_asked=False), event)


def _stopping(now: Condition, event: Event) -> Condition:
    # Asked twice is not more time: the grace counts from the first.
    since = _time(event, "boottime") if now.stopping_since is None else now.stopping_since
    return now._replace(state=STOPPING, stopping_since=since)


def _not_begun(now: Condition, event: Event) -> Condition:
    """Nothing runs, so nothing has to end: a run that waits is stopped by the word alone."""
    if now.state in (BACKOFF, CREATED):
        return now._replace(state=STOPPED, restart_at=None, ended_wall=_time(event, "wall"))
    return now


def _exited(now: Condition, event: Event) -> Condition:
    asked = bool(event.get("asked")) or now.stop_asked
    leftovers = _count(event, "leftovers") or 0
    # While a stop or a restart still has processes to end, the run has not stopped.
    going_on = leftovers > 0 and now.stopping_since is not None
    return now._replace(
        state=STOPPING if going_on else STOPPED if asked else EXITED,
        attempt=_attempt(now, event),
        stop_asked=asked,
        stopping_since=now.stopping_since if going_on else None,
        pid=None,
        ticks=None,
        exit_code=_count(event, "code"),
        signal=_count(event, "signal"),
        oom=bool(event.get("oom")),
        core=bool(event.get("core")),
        leftovers=leftovers,
        ended_wall=_time(event, "wall"),
        kill_pending=(),
    )


def _emptied(now: Condition, event: Event) -> Condition:
    if now.state == STOPPING and now.pid is None:
        now = now._replace(state=STOPPED if now.stop_asked else EXITED, stopping_since=None)
    return now._replace(leftovers=0, kill_pending=())


def _lost(now: Condition, event: Event) -> Condition:
    return now._replace(
        state=LOST,
        attempt=_attempt(now, event),
        lost_reason=str(event["reason"]),
        last_seen=_time(event, "last_seen"),
        pid=None,
        ticks=None,
        exit_code=None,
        signal=None,
        oom=False,
        core=False,
        stopping_since=None,
        kill_pending=(),
        ended_wall=_time(event, "wall"),
    )


def _backoff(now: Condition, event: Event) -> Condition:
    until = _time(event, "until")
    return now._replace(
        state=BACKOFF,
        restart_at=until,
        upcoming=_count(event, "attempt") or 0,
        attempt_boot_id=_boot(event),
    )


def _kill_pending(now: Condition, event: Event) -> Condition:
    return now._replace(kill_pending=tuple(str(survivor) for survivor in event["survivors"]))


def _warning(now: Condition, event: Event) -> Condition:
    text = str(event["text"])
    others = tuple(warning for warning in now.warnings if warning != text)
    return now._replace(warnings=(*others, text)[-_WARNINGS:])


_WANTS: Dict[str, Callable[[Condition, Event], Condition]] = {
    "start": _wants_start,
    "stop": _wants_stop,
    "kill": _wants_stop,
    "restart": _wants_restart,
    "restart_force": _wants_restart,
    "drain": _wants_drain,
}
_STEPS: Dict[str, Callable[[Condition, Event], Condition]] = {
    kinds.INTENT: _intent,
    kinds.STARTED: _started,
    kinds.EXEC_FAILED: _exec_failed,
    kinds.ADOPTED: _adopted,
    kinds.DESIRED: _desired,
    kinds.EXITED: _exited,
    kinds.LOST: _lost,
    kinds.BACKOFF: _backoff,
    kinds.KILL_PENDING: _kill_pending,
    kinds.EMPTIED: _emptied,
    kinds.CRASH_LOOP: lambda now, event: now._replace(crash_loop=True),
    kinds.TAKEN_UP: lambda now, event: now._replace(unguarded=False),
    kinds.FINISHED: lambda now, event: now._replace(finished=True),
    kinds.SHIM_LOST: lambda now, event: now._replace(unguarded=True),
    kinds.GUARDIAN_LOST: lambda now, event: now._replace(unguarded=True),
    kinds.WARNING: _warning,
}
