"""What one worker's row says, column by column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from console.fleet.workers import WorkerView
from console.fleet.workers.words import per_minute
from console.formatting import age, memory, percent, short_count
from console.text import one_line
from console.ui.glyphs import Glyphs
from console.ui.paint import Inks, Piece
from console.ui.widgets.columns import Cell, Column
from console.ui.widgets.graph import bar
from console.ui.workers.state import state_ink, state_text

NODE = Column("node", "NODE", 9, most=14)
COLUMNS = (
    Column("name", "WORKER", 15, most=22),
    NODE,
    Column("state", "STATE", 18),
    Column("wanted", "WANTED", 8, rank=7),
    Column("since", "SINCE", 6, right=True, descending=True),
    Column("restarts", "RST", 3, right=True, rank=2, descending=True),
    Column("progress", "PROGRESS", 17, most=22, rank=1, descending=True),
    Column("eta", "ETA", 6, right=True, rank=4),
    Column("rate", "/MIN", 7, right=True, descending=True),
    Column("cpu", "CPU", 6, right=True, rank=5, descending=True),
    Column("memory", "MEMORY", 8, right=True, rank=5, descending=True),
    Column("gpu", "GPU", 5, rank=6),
    Column("last", "LAST LINE", 20, grow=True, rank=3),
)
_BAR = 6
_STAMP = re.compile(
    r"^\W?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*\s+"
)  # it is said by SINCE and the log
_FAR = float("inf")

SORTS: dict[str, Callable[[WorkerView], tuple[object, ...]]] = {
    "name": lambda view: (_natural(view.record.name), view.node),
    "node": lambda view: (view.node, _natural(view.record.name)),
    "state": lambda view: (view.badness, view.record.state, _natural(view.record.name)),
    "wanted": lambda view: (view.record.desired, view.record.state, _natural(view.record.name)),
    "since": lambda view: (view.since_s if view.since_s is not None else _FAR,),
    "restarts": lambda view: (view.record.restarts,),
    "progress": lambda view: (_known(fraction(view)),),
    "eta": lambda view: (view.eta_s if view.eta_s is not None else _FAR,),
    "rate": lambda view: (_known(view.per_minute),),
    "cpu": lambda view: (_known(view.record.cpu_percent),),
    "memory": lambda view: (_known(view.record.memory_bytes),),
    "gpu": lambda view: (len(view.record.gpu_indices),),
    "last": lambda view: (view.record.last_line,),
}


def cells(view: WorkerView, inks: Inks, glyphs: Glyphs) -> Sequence[Cell]:
    """One cell for each of COLUMNS."""
    record, seen, live = view.record, view.reachable, view.live
    ink = inks.text if seen and live else inks.dim
    return (
        (record.name, inks.strong if live and seen else ink),
        (view.node, inks.dim if seen else inks.warn),
        (state_text(view, glyphs), state_ink(view, inks)),
        (record.desired, inks.dim),
        (age(view.since_s), inks.dim),
        (str(record.restarts) if record.restarts else "", inks.warn),
        _progress(view, inks, glyphs),
        (age(view.eta_s) if view.eta_s is not None else "", inks.dim),
        (per_minute(view.per_minute) if live else "", inks.good if view.per_minute and seen else inks.dim),
        (percent(record.cpu_percent) if live else "", ink),
        (memory(record.memory_bytes) if live else "", ink),
        (ranges(record.gpu_indices), inks.accent if live else inks.dim),
        (view.reason or _STAMP.sub("", record.last_line), inks.warn if view.reason else inks.dim),
    )  # fmt: skip


def fraction(view: WorkerView) -> float | None:
    """Of the whole work, 0–1; None where the end is not known."""
    progress = view.record.progress
    if progress is None or progress.done is None or not progress.total:
        return None
    return min(1.0, max(0.0, progress.done / progress.total))


def ranges(numbers: Iterable[int]) -> str:
    """`0-3,6` of 0, 1, 2, 3, 6."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][-1] + 1:
            found[-1][1:] = [number]
        else:
            found.append([number])
    return ",".join("-".join(map(str, one)) for one in found)


def progress_words(view: WorkerView) -> str:
    """`429/1000 games, play, move 4`, as far as it says anything."""
    progress = view.record.progress
    if progress is None:
        return ""
    done = "" if progress.done is None else short_count(progress.done)
    total = "" if not done or not progress.total else f"/{short_count(progress.total)}"
    counted = f"{done}{total} {progress.unit}".rstrip() if done else ""
    return ", ".join(word for word in (counted, progress.phase, progress.message) if word)


def _progress(view: WorkerView, inks: Inks, glyphs: Glyphs) -> Cell:
    """A bar where the end is known, and its own words."""
    share, ink = fraction(view), inks.text if view.live and view.reachable else inks.dim
    text = progress_words(view)
    if share is None:
        return (text, ink)
    filled, rest = bar(share, _BAR, glyphs)
    tint = inks.good if view.live and view.reachable else inks.dim
    pieces: list[Piece] = [(filled, tint), (rest, inks.faint), (f" {one_line(text, 80)}", ink)]
    return pieces


def _known(value: float | None) -> float:
    return -1.0 if value is None else value


def _natural(name: str) -> tuple[object, ...]:
    """selfplay-2 before selfplay-10."""
    stem, _, number = name.rpartition("-")
    counted = number.isdecimal() and number.isascii() and len(number) < 10
    return (stem, int(number)) if counted else (name, 0)
