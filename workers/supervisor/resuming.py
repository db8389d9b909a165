"""Where to go on: what the run directory and the kernel together say of the last attempt."""

import os
import signal
import time
from typing import Any, Mapping, Optional, Set, Tuple

from workers.machine import boot
from workers.supervisor import condition as states
from workers.supervisor import events as kinds
from workers.supervisor import exit_record, pid_record
from workers.supervisor.attempt import Attempt
from workers.supervisor.ladder import GROUP, MAIN, TREE, Ladder, ladder
from workers.supervisor.main_process import MainProcess, find, is_of_this_life
from workers.supervisor.run import Run

_GATE_PATIENCE_S = 10.0  # a child at its gate hears of its parent's death at once
_POLL_S = 0.005


def resume(run: Run, role: str, last_seen: Optional[float]) -> Attempt:
    """The last attempt as it is now: held where its process lives or is our zombie, else with its end told.

    ``last_seen`` is when the keeper before us showed itself last, by the wall clock. Raises OSError.
    """
    now = run.condition()
    attempt = Attempt(run, now.attempt, role)
    if _waited_for_a_boot(run):
        attempt.lose("reboot", last_seen)
        return attempt
    if now.state not in (states.STARTING, states.RUNNING, states.STOPPING) or not now.attempt:
        _hold_group(attempt)
        return attempt
    written = exit_record.read(attempt.paths.exit_record)
    if written is not None and now.pid is None and now.state == states.STOPPING:
        _hold_group(attempt)  # its end is told already: only helpers are left
    elif written is not None:
        _reap(attempt)
        attempt.append_end(written)
    else:
        _look_for_process(attempt, now.state, last_seen)
    return attempt


def _waited_for_a_boot(run: Run) -> bool:
    """True where it was about to begin when the machine went down: the rule for boots decides, not we."""
    now = run.condition()
    if now.state == states.CREATED:
        return bool(run.created.get("boot_id", boot.boot_id()) != boot.boot_id())
    waiting = now.state == states.BACKOFF or (
        now.state == states.STARTING and not os.path.exists(run.paths.attempt(now.attempt).pid)
    )
    return waiting and now.attempt_boot_id != boot.boot_id()


def _look_for_process(attempt: Attempt, state: str, last_seen: Optional[float]) -> None:
    record = pid_record.read(attempt.paths.pid)
    if record is None and state == states.STARTING:
        return  # the gate was never opened: nothing was executed
    if record is None:
        attempt.lose("deleted", last_seen)
        return
    if not is_of_this_life(record):
        attempt.lose("reboot", last_seen)
        return
    attempt.group = record.cgroup
    main = find(record, at_gate=os.path.exists(attempt.paths.gate))
    if _is_unexecuted(attempt, main):
        return
    if main is None:
        attempt.lose("supervisor", last_seen)
        return
    attempt.hold(main)
    if state == states.STARTING:
        attempt.started()
    if not main.own:
        attempt.run.append(kinds.ADOPTED, attempt=attempt.number, pid=main.pid, ticks=main.ticks)


def _is_unexecuted(attempt: Attempt, main: Optional[MainProcess]) -> bool:
    """True where the child never passed its gate, and never will.

    One that stands there hears the end of its parent's pipe, or finds the word to begin in it. One that
    does neither for long is ended, for nothing may be started beside it: it has executed nothing yet.
    """
    deadline = time.monotonic() + _GATE_PATIENCE_S
    while main is not None and main.ending() is None:
        if not os.path.exists(attempt.paths.gate):
            return False
        if time.monotonic() > deadline:
            main.signal(signal.SIGKILL)
        time.sleep(_POLL_S)
    if not os.path.exists(attempt.paths.gate):
        return False
    if main is not None:
        main.reap()
    return True


def _hold_group(attempt: Attempt) -> None:
    record = pid_record.read(attempt.paths.pid) if attempt.number else None
    if record is not None and record.boot_id == boot.boot_id():
        attempt.group = record.cgroup


def _reap(attempt: Attempt) -> None:
    """The keeper before us told the end and died before it let the zombie go."""
    record = pid_record.read(attempt.paths.pid)
    main = find(record) if record is not None else None
    if main is not None and main.ending() is not None:
        main.reap()


def climb_of(run: Run) -> Optional[Tuple[Ladder, Set[str]]]:
    """The ladder that an earlier keeper was on and the rungs it took; None where it was on none."""
    asked: Optional[Mapping[str, Any]] = None
    since = 0.0
    climbed: Set[str] = set()
    for event in run.events():
        kind = event.get("kind")
        if kind == kinds.DESIRED and event.get("act") in (
            "stop",
            "kill",
            "restart",
            "restart_force",
        ):
            since = since if asked is not None else float(event["boottime"])
            asked = event
        elif kind in (kinds.INTENT, kinds.EMPTIED):
            asked, climbed = None, set()
        elif kind == kinds.SIGNAL and event.get("to") in (MAIN, GROUP, TREE):
            climbed.add(str(event["to"]))
    if asked is None:
        return None
    if asked.get("boot_id") != boot.boot_id():
        return None
    grace_s = asked.get("grace_s")
    wanted = run.spec().grace_s if grace_s is None else float(grace_s)
    return ladder(str(asked["act"]), since, wanted, run.condition().pid is not None), climbed
