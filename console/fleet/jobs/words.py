"""The words for a job: the same on the screen and on the command line."""

from __future__ import annotations

from console.fleet.jobs.amount import BAD
from console.fleet.workers.view import LIVE, WorkerView
from console.fleet.workers.words import signal_name
from workers.contract import EXIT_CONFIGURATION, EXIT_CORRUPT_DATA, EXIT_NO_DISK, EXIT_WAITING
from workers.protocol import WorkerRecord

_MODULES = ("workers.jobs", "console.conduct")
_EXITS = {
    EXIT_WAITING: "no node reached",
    EXIT_CONFIGURATION: "bad settings",
    EXIT_CORRUPT_DATA: "corrupt data",
    EXIT_NO_DISK: "no disk",
}
_WAITS = frozenset({"queued", "waiting"})
_ILL = {"stalled": "stalled", "writer_blocked": "blocked", "crash_loop": "gave up"}

RUNNING, QUEUED, SCHEDULED, HISTORY = "running", "queued", "scheduled", "history"


def kind_of(record: WorkerRecord) -> str:
    """Its first tag, or `sync` of `python -m workers.jobs sync`; the preset, or `job`, of one that is not ours."""
    command = record.command
    for place, word in enumerate(command[:-1]):
        if word in _MODULES and place and command[place - 1] == "-m":
            return record.tags[0] if record.tags else command[place + 1]
    return record.preset or "job"


def section_of(record: WorkerRecord) -> str:
    """Where it is listed."""
    if record.state not in LIVE:
        return HISTORY
    phase = record.progress.phase if record.progress else ""
    waits = record.state in ("created", "starting", "backoff") or phase in _WAITS
    return QUEUED if waits else RUNNING


def is_partial(record: WorkerRecord) -> bool:
    """Over, with some nodes done and others not: that is never success."""
    said = record.progress
    if record.state != "exited" or said is None:
        return False
    return said.phase == "partial" or (
        record.exit_code not in (0, None)
        and any(part.state == "done" for part in said.parts)
        and any(part.state in BAD for part in said.parts)
    )


def state_words(view: WorkerView) -> tuple[str, str]:
    """What it is in a word or two, and the sign of it: running, waiting, odd, bad, ended or unseen."""
    record = view.record
    word, sign = _live(view) if view.live else _over(record)
    return (word, sign if view.reachable or not view.live else "unseen")


def _live(view: WorkerView) -> tuple[str, str]:
    record = view.record
    if record.kill_pending:
        return "kill pending", "bad"
    if record.state == "stopping" or record.desired == "stopped":
        return "cancelling", "waiting"
    if record.state == "backoff":
        return "back-off", "waiting"
    if record.state in ("created", "starting"):
        return "starting", "waiting"
    if view.health in _ILL:
        return _ILL[view.health], "bad"
    said = record.progress
    if said is not None and said.phase in _WAITS:
        return "queued", "waiting"
    if said is not None and any(part.state in BAD for part in said.parts):
        return "running", "odd"
    return "running", "running"


def _over(record: WorkerRecord) -> tuple[str, str]:
    if record.state == "lost":
        return f"lost: {record.lost_reason or 'unknown'}", "bad"
    if record.state == "stopped":
        return "cancelled", "ended"
    if record.error is not None:
        return "not started", "bad"
    if is_partial(record):
        return "partial", "bad"
    if record.signal is not None:
        return f"{signal_name(record.signal)}{' (memory)' if record.oom else ''}", "bad"
    if record.exit_code is None:
        return "unknown", "bad"
    if record.exit_code == 0:
        return "done", "ended"
    return _EXITS.get(record.exit_code, "failed"), "bad"
