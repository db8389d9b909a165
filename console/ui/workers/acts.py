"""The words for what can be done to workers: the same in the dialog before, while it goes on, and after."""

from __future__ import annotations

from typing import NamedTuple

from console.fleet.workers import WorkerView
from console.formatting import age

FORCE = frozenset({"kill", "restart_force"})
RESTARTS = frozenset({"restart", "restart_force"})
HARDER = {"stop": "kill", "drain": "kill", "restart": "restart_force"}


class Words(NamedTuple):
    title: str
    does: str  # what the key does: "stops"
    reached: str  # said when it is so
    leaves: str  # what stands in the dialog's last line while it goes on


WORDS = {
    "stop": Words("Stop", "stops", "stopped, nothing of it is left", "leaves; the stop goes on"),
    "kill": Words("Kill", "kills", "killed, nothing of it is left", "leaves; it goes on"),
    "restart": Words("Restart", "restarts", "runs again", "leaves; it goes on"),
    "restart_force": Words("Restart by force", "restarts by force", "runs again", "leaves; it goes on"),
    "drain": Words("Drain", "drains", "drains: it ends when its unit is finished", "leaves; the drain goes on"),
}  # fmt: skip


def exactly(act: str, signals: tuple[str, ...], grace_s: tuple[float, float] | None) -> str:
    """What is sent, in one sentence. `signals` are those of the presets, as far as known."""
    asked = " or ".join(f"SIG{signal}" for signal in signals) or "the stop signal"
    kill = "SIGKILL to the whole tree at once: nothing is saved, nothing cleaned up"
    if act == "kill":
        return kill
    if act == "restart_force":
        return f"{kill}. Then it starts again with the same command."
    if act == "drain":
        return "Asked to finish its unit, to take no more, and to end. Nothing is forced."
    stop = f"{asked} to its process group, SIGKILL to what is left of its tree {_after(grace_s)}."
    return f"{stop} Then it starts again with the same command." if act == "restart" else stop


def _after(grace_s: tuple[float, float] | None) -> str:
    if grace_s is None:
        return "after its grace time"
    least, most = grace_s
    return f"after {age(least)}" if least == most else f"after {age(least)} to {age(most)}"


def named(views: tuple[WorkerView, ...]) -> str:
    """`selfplay-1@gpu-1`, or `3 workers`."""
    if len(views) == 1:
        return f"{views[0].name}@{views[0].node}"
    return f"{len(views)} workers"
