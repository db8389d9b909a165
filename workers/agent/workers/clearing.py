"""Acting on an orphan that was shown. What is acted on is found again first, so nothing else is touched."""

import signal
from typing import Any, List, Tuple

from workers.agent.workers import lock_files, orphans
from workers.agent.workers.commanding import command, forget
from workers.machine import pidfd
from workers.protocol import (
    ClearOrphan,
    CommandWorker,
    Done,
    Failure,
    ForgetWorker,
    Orphan,
    WorkerReply,
)

_SIGNALS = {"stop": signal.SIGTERM, "kill": signal.SIGKILL}


def clear(message: ClearOrphan, node: Any) -> Any:
    """``Done``, or a Failure: gone, refused, not_permitted. ``node`` is the ``WorkerRoom``."""
    report = orphans.find(node.runs())
    found = next((one for one in report.orphans if one.orphan_id == message.orphan_id), None)
    if found is None:
        return Failure("gone", "what was shown is not there any more; look again")
    if message.act not in found.acts or message.act == "adopt":
        offered = ", ".join(act for act in found.acts if act != "adopt") or "nothing"
        return Failure("refused", f"{message.act} is not offered for this; {offered} is")
    if message.act == "forget":
        return forget(ForgetWorker(found.run_id), node)
    if message.act == "clear":
        return _clear_lock(found)
    if found.kind == orphans.DUPLICATE and ":process:" not in found.orphan_id:
        outcome = command(CommandWorker(found.run_id, message.act), node)
        return Done(f"{found.name}: {message.act} asked") if _went(outcome) else outcome
    return _signal(found, message.act, node)


def _went(outcome: Any) -> bool:
    return isinstance(outcome, WorkerReply)


def _clear_lock(found: Orphan) -> Any:
    lock = lock_files.judge(found.path)
    if lock is None or not found.orphan_id.startswith(_lock_id(lock)):
        return Failure("gone", f"{found.path} has changed since; look again")
    problem = lock_files.clear(lock)
    return Failure("gone", problem) if problem else Done(f"{found.path} is removed")


def _lock_id(lock: lock_files.StaleLock) -> str:
    return f"{orphans.STALE_LOCK}:{':'.join(map(str, lock.identity))}:"


def _signal(found: Orphan, act: str, node: Any) -> Any:
    """To the process, and when killing to all that carry the same token."""
    targets: List[Tuple[int, int]] = [(found.pid or 0, found.start_ticks or 0)]
    if act == "kill" and found.kind == orphans.UNRECORDED:
        family = orphans.look(node.runs()).families.get(found.run_id, [])
        targets += [(one.pid, one.ticks) for one in family if one.pid != found.pid]
    heard = 0
    for pid, ticks in targets:
        try:
            heard += pid > 1 and pidfd.send(pid, ticks, _SIGNALS[act])
        except PermissionError:
            return Failure("not_permitted", f"process {pid} belongs to somebody else")
    if not heard:
        return Failure("gone", f"process {found.pid} is gone already")
    name = "SIGTERM" if act == "stop" else "SIGKILL"
    return Done(f"{name} sent to {heard} process{'es' if heard > 1 else ''}")
