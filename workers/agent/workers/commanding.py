"""What people want of a run that is there: stop, kill, restart, drain; and forgetting one that is over."""

import time
from typing import Any, List, Tuple

from workers.agent.workers import holders
from workers.agent.workers.reporting import record_now
from workers.protocol import CommandWorker, Done, Failure, ForgetWorker, WorkerReply
from workers.supervisor import events as kinds
from workers.supervisor.condition import Condition
from workers.supervisor.desired import Superseded
from workers.supervisor.run import Run
from workers.supervisor.runs import RunLives

ACTS = ("stop", "kill", "restart", "restart_force", "drain")
_LETS_GO_S = 1.0
_ENDING = frozenset({"stop", "kill", "drain"})


def command(message: CommandWorker, node: Any) -> Any:
    """``WorkerReply`` once the wish is durable, or a Failure. ``node`` is the ``WorkerRoom``."""
    if message.act not in ACTS:
        return Failure("bad_request", f"{message.act!r} is none of {', '.join(ACTS)}")
    run = node.runs().get(message.run_id)
    if run is None:
        return _gone(message.run_id, node)
    refusal = _refusal(message, run, node)
    if refusal is not None:
        return refusal
    if message.act in _ENDING and _over(run):
        return WorkerReply(record_now(run), (f"{run.spec().name} is over already",))
    try:
        run.want(message.act, message.by, message.grace_s, message.sequence)
    except Superseded as newer:
        return Failure("superseded", f"{run.spec().name}: {newer}; look again, then decide")
    notes = node.obey(run)
    return WorkerReply(record_now(run), notes)


def forget(message: ForgetWorker, node: Any) -> Any:
    """``Done`` once the run directory is gone; what lives is never touched."""
    run = node.runs().get(message.run_id)
    if run is None:
        return _gone(message.run_id, node)
    name, now = run.spec().name, run.condition()
    if now.live and not _settled(run, node):
        state = run.condition().state
        return Failure("refused", f"{name} is {state}: only a run that is over is forgotten")
    try:
        kept = node.runs().forget(run)
    except RunLives as why:
        return Failure("refused", f"{name}: {why}; nothing was removed")
    node.changed(run.run_id)
    return Done(f"{name}: the run is forgotten" + _kept(kept))


def _refusal(message: CommandWorker, run: Run, node: Any) -> Any:
    spec, now = run.spec(), run.condition()
    if message.act == "drain" and not spec.drain:
        return Failure(
            "refused",
            f"{spec.name} does not know how to drain (its preset has no `drain: true`):"
            " stop it instead, which asks it to end in good order",
        )
    if message.act.startswith("restart"):
        if not spec.command or _foreign(run, now):
            return Failure(
                "refused",
                f"{spec.name} was not started by Quarterdeck: how to start it again is not known",
            )
        if not now.live and not run.is_held():
            taken = holders.in_the_way(spec, node.runs(), node.care)
            if taken:
                return Failure("exists", taken)
    return None


def _foreign(run: Run, now: Condition) -> bool:
    return now.adopted and not any(event.get("kind") == kinds.INTENT for event in run.events())


def _over(run: Run) -> bool:
    """Whether nothing follows. A pair that has written down the end is about to let go of the run."""
    until = time.monotonic() + _LETS_GO_S
    while run.condition().finished:
        if not run.is_held():
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(0.02)
    return False


def _settled(run: Run, node: Any) -> bool:
    """Whether a run that seems to live turns out to be over once somebody looks after it."""
    if run.is_held():
        return False
    node.care(run)
    return holders.wait_until_over(run)


def _gone(run_id: str, node: Any) -> Failure:
    return Failure("gone", f"there is no run {run_id[:64]} on this node: {node.place()}")


def _kept(paths: Tuple[str, ...]) -> str:
    names: List[str] = list(paths[:5])
    more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
    return f"; not made by us and kept: {', '.join(names)}{more}" if names else ""
