"""A worker's state in a sign, a word or two, and an ink: the same in every list and dialog."""

from __future__ import annotations

from rich.style import Style

from console.fleet.workers import WorkerView
from console.fleet.workers.words import health_word, signal_name, state_word
from console.formatting import age
from console.ui.glyphs import Glyphs
from console.ui.paint import Inks
from workers.protocol import WorkerRecord

_ILL = ("stalled", "crash_loop", "writer_blocked")


def state_text(view: WorkerView, glyphs: Glyphs) -> str:
    """The sign and at most 16 cells of words; the view's `sentence` says it in full."""
    return f"{glyphs.worker(_sign(view))} {_word(view)}"


def state_ink(view: WorkerView, inks: Inks) -> Style:
    """By what a person should feel: green works, yellow look, red act."""
    return {
        "unseen": inks.dim,
        "bad": inks.bad,
        "odd": inks.warn,
        "waiting": inks.warn,
        "running": inks.good,
    }.get(_sign(view), inks.dim)


def kill_in_s(record: WorkerRecord) -> float | None:
    """Seconds until what is left of one that is being stopped is killed; None where that is not known."""
    if record.state != "stopping" or record.stopping_s is None:
        return None
    return max(0.0, record.grace_s - record.stopping_s)


def _word(view: WorkerView) -> str:
    record = view.record
    if record.kill_pending:
        return "kill pending"
    if not view.live:
        return _over(view)
    if record.state == "stopping":
        return "stopping"
    if record.state == "backoff" and record.restart_in_s is not None:
        return f"again in {age(record.restart_in_s)}"
    said = health_word(view.health)
    if said and view.health != "slow":
        return said
    if record.desired == "drained" and record.state == "running":
        return "draining"
    if "unguarded" in record.flags:
        return "unguarded"
    if "adopted" in record.flags and record.state == "running" and not said:
        return "running, adopted"
    return said or state_word(record.state)


def _over(view: WorkerView) -> str:
    record = view.record
    if record.state == "lost":
        return f"lost: {record.lost_reason or 'unknown'}"
    if record.crash_loop:
        return "crash-loop"
    if record.error is not None:
        return "not started"
    if record.signal is not None:
        name = signal_name(record.signal)
        if record.state == "stopped":
            return f"stopped {name}" if name == "SIGKILL" else "stopped"
        return f"{name}{' (memory)' if record.oom else ''}"
    if record.state == "stopped" or record.exit_code is None:
        return record.state
    return f"exit {record.exit_code}" if record.exit_code else "exited 0"


def _sign(view: WorkerView) -> str:
    """running, waiting, odd, bad, ended or unseen: what the glyph and the colour tell."""
    record = view.record
    if not view.reachable:
        return "unseen"
    if view.health in _ILL or view.failed or record.kill_pending:
        return "bad"
    if not view.live:
        return "ended"
    if record.state != "running" or record.desired != "running":
        return "waiting"
    return "odd" if view.health == "slow" or "unguarded" in record.flags else "running"
