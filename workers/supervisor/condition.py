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
    restart_asked: bool = False  # by a person, and the next attempt has not begun
    stopping_since: Optional[float] = None  # boottime
    restart_at: Optional[float] = None  # boottime
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


def _boot(event: Event) -> str:
    return str(event.get("boot_id", ""))


def _intent(now: Condition, event: Event) -> Condition:
    return now._replace(
        state=STARTING,
        attempt=_integer(event, "attempt"),
        restarts=now.restarts + (now.state == BACKOFF and not now.restart_asked),
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
        restart_asked=False,
        stopping_since=None,
        restart_at=None,
        attempt_started=None,
        ended_wall=None,
        attempt_boot_id=_boot(event),
    )


def _started(now: Condition, event: Event) -> Condition:
    return now._replace(
        state=STOPPING if now.stopping_since is not None else RUNNING,
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
        pid=None,
        ticks=None,
        error=str(event["text"]),
        exit_code=None,
        signal=None,
        ended_wall=_time(event, "wall"),
    )


def _adopted(now: Condition, event: Event) -> Condition:
    return now._replace(
        state=RUNNING if now.stopping_since is None else STOPPING,
        attempt=_integer(event, "attempt"),
        pid=_integer(event, "pid"),
        ticks=_integer(event, "ticks"),
        adopted=True,
        unguarded=False,
        finished=False,
        lost_reason=None,
        error=None,
        exit_code=None,
        signal=None,
        started_wall=now.started_wall or _time(event, "wall"),
        ended_wall=None,
        attempt_boot_id=_boot(event),
    )


def _desired(now: Condition, event: Event) -> Condition:
    act = str(event.get("act", ""))
    now = now._replace(sequence=_integer(event, "sequence"), want=str(event.get("want", now.want)))
    if act in ("stop", "kill"):
        return _stop_wanted(now._replace(restart_asked=False), event)
    if act in ("restart", "restart_force"):
        return _restart_wanted(now, event)
    if act == "drain" and now.state in (BACKOFF, CREATED):
        return _never_mind(now, event)
    return now


def _stop_wanted(now: Condition, event: Event) -> Condition:
    if now.state in _WITH_PROCESS:
        return _stopping(now, event)._replace(stop_asked=True)
    return _never_mind(now, event) if now.state in (BACKOFF, CREATED) else now


def _restart_wanted(now: Condition, event: Event) -> Condition:
    now = now._replace(restart_asked=True, finished=False)
    if now.state in _WITH_PROCESS:
        return _stopping(now, event)._replace(stop_asked=False)
    return now


def _stopping(now: Condition, event: Event) -> Condition:
    # Asked twice is not more time: the grace counts from the first.
    since = _time(event, "boottime") if now.stopping_since is None else now.stopping_since
    return now._replace(state=STOPPING, stopping_since=since)


def _never_mind(now: Condition, event: Event) -> Condition:
    """Nothing runs, and nothing will."""
    return now._replace(
        state=STOPPED, stop_asked=True, restart_at=None, ended_wall=_time(event, "wall")
    )


def _exited(now: Condition, event: Event) -> Condition:
    asked = bool(event.get("asked")) or now.stop_asked
    return now._replace(
        state=STOPPED if asked else EXITED,
        pid=None,
        ticks=None,
        exit_code=_count(event, "code"),
        signal=_count(event, "signal"),
        oom=bool(event.get("oom")),
        core=bool(event.get("core")),
        leftovers=_count(event, "leftovers") or 0,
        ended_wall=_time(event, "wall"),
        stopping_since=None,
        kill_pending=(),
    )


def _lost(now: Condition, event: Event) -> Condition:
    return now._replace(
        state=LOST,
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
    return now._replace(state=BACKOFF, restart_at=until, attempt_boot_id=_boot(event))


def _kill_pending(now: Condition, event: Event) -> Condition:
    return now._replace(kill_pending=tuple(str(survivor) for survivor in event["survivors"]))


def _warning(now: Condition, event: Event) -> Condition:
    text = str(event["text"])
    others = tuple(warning for warning in now.warnings if warning != text)
    return now._replace(warnings=(*others, text)[-_WARNINGS:])


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
    kinds.EMPTIED: lambda now, event: now._replace(leftovers=0, kill_pending=()),
    kinds.CRASH_LOOP: lambda now, event: now._replace(crash_loop=True),
    kinds.FINISHED: lambda now, event: now._replace(finished=True),
    kinds.SHIM_LOST: lambda now, event: now._replace(unguarded=True),
    kinds.GUARDIAN_LOST: lambda now, event: now._replace(unguarded=True),
    kinds.WARNING: _warning,
}
