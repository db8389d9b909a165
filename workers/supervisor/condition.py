"""What a run is now: the fold of its events. Pure: no file, no clock."""

from typing import Any, Callable, Dict, Iterable, Mapping, NamedTuple, Optional, Tuple

from workers.supervisor import events as kinds

CREATED, STARTING, RUNNING, STOPPING = "created", "starting", "running", "stopping"
BACKOFF, STOPPED, EXITED, LOST = "backoff", "stopped", "exited", "lost"
LIVE = frozenset({CREATED, STARTING, RUNNING, STOPPING, BACKOFF})
ENDED = frozenset({STOPPED, EXITED, LOST})


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
    stop_asked: bool = False  # by the last desired state that was acted on
    stopping_since: Optional[float] = None  # boottime
    restart_at: Optional[float] = None  # boottime
    started_wall: Optional[float] = None  # of the first attempt
    attempt_started: Optional[float] = None  # boottime
    ended_wall: Optional[float] = None
    boot_id: str = ""  # of the last event

    @property
    def live(self) -> bool:
        return self.state in LIVE


Event = Mapping[str, Any]


def fold(history: Iterable[Event], start: Condition = Condition()) -> Condition:  # noqa: B008
    """The condition after these events, from ``start`` on. An unknown kind changes nothing."""
    condition = start
    for event in history:
        step = _STEPS.get(event.get("kind", ""))
        if step is not None:
            condition = step(condition, event)
        condition = condition._replace(boot_id=event.get("boot_id", condition.boot_id))
    return condition


def _intent(now: Condition, event: Event) -> Condition:
    attempt = int(event["attempt"])
    return now._replace(
        state=STARTING,
        attempt=attempt,
        restarts=now.restarts + (now.state == BACKOFF),
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
        stopping_since=None,
        restart_at=None,
    )


def _started(now: Condition, event: Event) -> Condition:
    return now._replace(
        state=RUNNING,
        pid=event["pid"],
        ticks=event["ticks"],
        started_wall=now.started_wall or event.get("wall"),
        attempt_started=event.get("boottime"),
        ended_wall=None,
        exit_code=None,
        signal=None,
        oom=False,
        core=False,
    )


def _exec_failed(now: Condition, event: Event) -> Condition:
    return now._replace(
        state=EXITED,
        error=str(event["text"]),
        exit_code=None,
        signal=None,
        ended_wall=event.get("wall"),
    )


def _adopted(now: Condition, event: Event) -> Condition:
    state = STOPPING if now.stop_asked else RUNNING
    return now._replace(
        state=state, adopted=True, pid=event["pid"], ticks=event["ticks"], attempt=event["attempt"]
    )


def _desired(now: Condition, event: Event) -> Condition:
    act = event.get("act", "")
    now = now._replace(sequence=event["sequence"])
    if act in ("stop", "kill", "restart", "restart_force"):
        stop = act in ("stop", "kill")
        if now.state in (STARTING, RUNNING, STOPPING):
            return now._replace(
                state=STOPPING, stop_asked=stop, stopping_since=event.get("boottime")
            )
        if stop and now.state in (BACKOFF, CREATED):
            return now._replace(
                state=STOPPED, stop_asked=True, restart_at=None, ended_wall=event.get("wall")
            )
    return now


def _exited(now: Condition, event: Event) -> Condition:
    asked = bool(event.get("asked")) or now.stop_asked
    return now._replace(
        state=STOPPED if asked else EXITED,
        pid=None,
        ticks=None,
        exit_code=event.get("code"),
        signal=event.get("signal"),
        oom=bool(event.get("oom")),
        core=bool(event.get("core")),
        leftovers=int(event.get("leftovers", 0)),
        ended_wall=event.get("wall"),
        kill_pending=(),
    )


def _lost(now: Condition, event: Event) -> Condition:
    return now._replace(
        state=LOST,
        lost_reason=str(event["reason"]),
        last_seen=event.get("last_seen"),
        pid=None,
        ticks=None,
        exit_code=None,
        signal=None,
        kill_pending=(),
        ended_wall=event.get("wall"),
    )


def _backoff(now: Condition, event: Event) -> Condition:
    return now._replace(state=BACKOFF, restart_at=event["until"])


_STEPS: Dict[str, Callable[[Condition, Event], Condition]] = {
    kinds.INTENT: _intent,
    kinds.STARTED: _started,
    kinds.EXEC_FAILED: _exec_failed,
    kinds.ADOPTED: _adopted,
    kinds.DESIRED: _desired,
    kinds.EXITED: _exited,
    kinds.LOST: _lost,
    kinds.BACKOFF: _backoff,
    kinds.KILL_PENDING: lambda now, event: now._replace(kill_pending=tuple(event["survivors"])),
    kinds.EMPTIED: lambda now, event: now._replace(leftovers=0, kill_pending=()),
    kinds.CRASH_LOOP: lambda now, event: now._replace(crash_loop=True),
    kinds.FINISHED: lambda now, event: now._replace(finished=True),
    kinds.SHIM_LOST: lambda now, event: now._replace(unguarded=True),
    kinds.GUARDIAN_LOST: lambda now, event: now._replace(unguarded=True),
}
