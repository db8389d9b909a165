"""What one worker's row says, column by column."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.style import Style

from console.fleet.workers import WorkerView
from console.fleet.workers.words import ended, health_word
from console.formatting import MISSING, age, memory, percent, short_count
from console.ui.glyphs import Glyphs
from console.ui.paint import Inks, Piece, fit
from console.ui.widgets.columns import Cell, Column
from console.ui.widgets.graph import bar

NODE = Column("node", "NODE", 10)
COLUMNS = (
    Column("name", "WORKER", 15),
    NODE,
    Column("state", "STATE", 20),
    Column("since", "SINCE", 6, right=True, descending=True),
    Column("restarts", "RST", 3, right=True, rank=3, descending=True),
    Column("progress", "PROGRESS", 22, rank=1, descending=True),
    Column("eta", "ETA", 6, right=True, rank=4),
    Column("rate", "/MIN", 8, right=True, descending=True),
    Column("cpu", "CPU", 6, right=True, rank=5, descending=True),
    Column("memory", "MEMORY", 8, right=True, rank=5, descending=True),
    Column("gpu", "GPU", 6, rank=6),
    Column("last", "LAST LINE", 10, grow=True, rank=2),
)
_BAR = 8
_FAR = float("inf")

SORTS: dict[str, Callable[[WorkerView], tuple[object, ...]]] = {
    "name": lambda view: (_natural(view.record.name), view.node),
    "node": lambda view: (view.node, _natural(view.record.name)),
    "state": lambda view: (view.badness, view.record.state, _natural(view.record.name)),
    "since": lambda view: (view.since_s if view.since_s is not None else _FAR,),
    "restarts": lambda view: (view.record.restarts,),
    "progress": lambda view: (fraction(view) or -1.0,),
    "eta": lambda view: (view.eta_s if view.eta_s is not None else _FAR,),
    "rate": lambda view: (view.per_minute if view.per_minute is not None else -1.0,),
    "cpu": lambda view: (view.record.cpu_percent or -1.0,),
    "memory": lambda view: (view.record.memory_bytes or -1,),
    "gpu": lambda view: (len(view.record.gpu_indices),),
    "last": lambda view: (view.record.last_line,),
}


def cells(view: WorkerView, inks: Inks, glyphs: Glyphs) -> Sequence[Cell]:
    """One cell for each of COLUMNS."""
    record = view.record
    seen = view.reachable
    ink = inks.text if seen and view.live else inks.dim
    tint = state_ink(view, inks)
    return (
        (record.name, inks.strong if view.live and seen else ink),
        (view.node, inks.dim if seen else inks.warn),
        (state_text(view, glyphs), tint),
        (age(view.since_s), inks.dim),
        (str(record.restarts) if record.restarts else "", inks.warn),
        _progress(view, inks, glyphs),
        (age(view.eta_s) if view.eta_s is not None else "", inks.dim),
        (rate(view.per_minute), inks.good if view.per_minute and seen else inks.dim),
        (percent(record.cpu_percent) if view.live else "", ink),
        (memory(record.memory_bytes) if view.live else "", ink),
        (",".join(map(str, record.gpu_indices)), inks.accent),
        (view.reason or record.last_line, inks.warn if view.reason else inks.dim),
    )


def state_text(view: WorkerView, glyphs: Glyphs) -> str:
    """The sign, the state, and what is not as it should be."""
    record = view.record
    sign = glyphs.worker(_sign(view))
    if record.state == "lost":
        return f"{sign} lost ({record.lost_reason or 'unknown'})"
    if record.state in ("exited", "stopped"):
        return f"{sign} {ended(record) or record.state}"
    word = health_word(view.health)
    if record.state == "backoff" and record.restart_in_s is not None:
        return f"{sign} again in {age(record.restart_in_s)}"
    if record.state == "stopping" and record.kill_pending:
        return f"{sign} kill pending"
    return f"{sign} {word or record.state}"


def state_ink(view: WorkerView, inks: Inks) -> Style:
    """By what a person should feel: green works, yellow look, red act."""
    if not view.reachable:
        return inks.dim
    sign = _sign(view)
    if sign == "bad":
        return inks.bad
    if sign in ("odd", "waiting"):
        return inks.warn
    return inks.good if sign == "running" else inks.dim


def _sign(view: WorkerView) -> str:
    """running, waiting, odd, bad, ended or unseen: what the glyph and the colour tell."""
    record = view.record
    if not view.reachable:
        return "unseen"
    if view.health in ("stalled", "crash_loop", "writer_blocked") or record.state == "lost":
        return "bad"
    if record.state == "exited":
        return "bad" if view.failed else "ended"
    if record.state in ("stopping", "backoff", "starting", "created"):
        return "waiting"
    if view.health == "slow" or record.flags:
        return "odd"
    return "ended" if record.state == "stopped" else "running"


def fraction(view: WorkerView) -> float | None:
    """Of the whole work, 0–1; None where the end is not known."""
    progress = view.record.progress
    if progress is None or progress.done is None or not progress.total:
        return None
    return progress.done / progress.total


def rate(per_minute: float | None) -> str:
    """Units per minute in at most eight cells."""
    if per_minute is None:
        return MISSING
    if 0 < per_minute < 10:
        return f"{per_minute:.2f}".rstrip("0").rstrip(".")
    return short_count(round(per_minute))


def _progress(view: WorkerView, inks: Inks, glyphs: Glyphs) -> Cell:
    """A bar where the end is known, and its own words."""
    progress = view.record.progress
    if progress is None:
        return ("", inks.dim)
    share = fraction(view)
    done = "" if progress.done is None else short_count(progress.done)
    total = "" if not progress.total else f"/{short_count(progress.total)}"
    said = progress.message or progress.phase
    text = " ".join(word for word in (f"{done}{total}", progress.unit or said) if word)
    if share is None:
        return (text or said, inks.text)
    filled, rest = bar(share, _BAR, glyphs)
    pieces: list[Piece] = [(filled, inks.good), (rest, inks.faint), (" ", inks.text)]
    return [*pieces, (fit(text, 13), inks.text)]


def _natural(name: str) -> tuple[object, ...]:
    """selfplay-2 before selfplay-10."""
    stem, _, number = name.rpartition("-")
    return (stem, int(number)) if number.isdigit() else (name, 0)
