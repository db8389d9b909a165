"""What follows when nothing of a run lives any more. Pure: the history, the rule, the clock and chance come in.

Every time is one since boot: a wall clock that jumps and a machine that slept restart nothing. All counts
come from the events, so that they outlive whoever counted.
"""

from typing import Any, Iterable, Mapping, NamedTuple, Optional, Tuple

from workers.contract import EXIT_AGAIN, EXIT_DONE, EXIT_WAITING
from workers.protocol import RestartRule, WorkerSpec
from workers.supervisor import condition as states
from workers.supervisor import events as kinds
from workers.supervisor.condition import Condition

START, WAIT, CRASH_LOOP, FINISH = "start", "wait", "crash_loop", "finish"
BACK_OFF = "back_off"
SHORTEST_S = 0.1
AGAIN_S = 1.0  # before an attempt that was asked for by exit code 75


class Next(NamedTuple):
    """``start`` now, ``wait`` until, ``back_off`` for a while, give up with ``crash_loop``, or ``finish``."""

    act: str
    until: float = 0.0  # of WAIT, since boot
    delay_s: float = 0.0  # of BACK_OFF
    counted: bool = False  # of BACK_OFF: it is one more crash
    restarts: int = 0  # of CRASH_LOOP: crashes within the window


class Past(NamedTuple):
    """What of this boot counts for the next restart."""

    crashes: Tuple[float, ...] = ()  # when, since the last healthy attempt
    tries: int = 0  # back-offs since then
    executed: bool = False  # some attempt got as far as running
    transient: bool = False  # the last one could not be forked, for want of room


def past(history: Iterable[Mapping[str, Any]], boot_id: str, healthy_s: float) -> Past:
    """Folds the events. A healthy attempt, a person's start and a new boot wipe the slate."""
    found, began = Past(), None
    for event in history:
        kind, at = event.get("kind"), float(event.get("boottime") or 0.0)
        if event.get("boot_id") != boot_id:
            found, began = Past(executed=found.executed or kind == kinds.STARTED), None
        elif kind == kinds.STARTED:
            found, began = found._replace(executed=True, transient=False), at
        elif kind in (kinds.EXITED, kinds.LOST) and began is not None:
            found = Past(executed=True) if at - began >= healthy_s else found
            began = None
        elif kind == kinds.EXEC_FAILED:
            found = found._replace(transient=bool(event.get("transient")))
        elif kind == kinds.BACKOFF:
            crashes = (*found.crashes, at) if event.get("counted") else found.crashes
            found = found._replace(crashes=crashes, tries=found.tries + 1)
        elif kind == kinds.DESIRED and event.get("act") in ("start", "restart", "restart_force"):
            found = Past(executed=found.executed)
    return found


def next_step(spec: WorkerSpec, now: Condition, before: Past, clock: float, chance: float) -> Next:
    """What to do now that nothing lives. ``chance`` is uniform in [0, 1)."""
    if now.start_asked:
        return Next(START)
    if now.stop_asked or now.drain_asked or now.state == states.STOPPED or now.crash_loop:
        return Next(FINISH)
    if now.state == states.BACKOFF:
        until = now.restart_at or 0.0
        return Next(START) if clock >= until else Next(WAIT, until=until)
    if now.state in states.LIVE:  # nothing was ever executed of this attempt
        return Next(START)
    return _after_end(spec, now, before, clock, chance)


def _after_end(spec: WorkerSpec, now: Condition, before: Past, clock: float, chance: float) -> Next:
    rule = spec.restart
    if now.state == states.LOST and now.lost_reason == "reboot":
        return Next(START if spec.on_boot == "restart" else FINISH)
    if before.transient:
        return _back_off(rule, before, chance, counted=False)
    if rule.policy == "never" or (now.error is not None and not before.executed):
        return Next(FINISH)
    code = now.exit_code if now.state == states.EXITED else None
    if rule.policy == "asked" and not _asks_again(rule, before, code):
        return Next(FINISH)
    if code == EXIT_AGAIN:
        return Next(BACK_OFF, delay_s=max(SHORTEST_S, min(AGAIN_S, rule.backoff_s)))
    if code == EXIT_WAITING:
        return _back_off(rule, before, chance, counted=False)
    if code == EXIT_DONE and now.error is None and rule.policy == "on-failure":
        return Next(FINISH)
    recent = sum(clock - at <= rule.window_s for at in before.crashes)
    if recent >= rule.max_restarts:
        return Next(CRASH_LOOP, restarts=recent)
    return _back_off(rule, before, chance, counted=True)


def _asks_again(rule: RestartRule, before: Past, code: Optional[int]) -> bool:
    """Whether what is expected to finish wants another attempt, and has one left."""
    return code in (EXIT_AGAIN, EXIT_WAITING) and before.tries < rule.max_restarts


def _back_off(rule: RestartRule, before: Past, chance: float, counted: bool) -> Next:
    """Doubled at each try up to the cap, with full jitter: many workers do not come back in step."""
    ceiling = min(rule.backoff_max_s, rule.backoff_s * 2.0 ** min(before.tries, 30))
    return Next(BACK_OFF, delay_s=max(SHORTEST_S, ceiling * chance), counted=counted)
