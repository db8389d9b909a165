"""What one job's row says, column by column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rich.style import Style

from console.fleet.jobs import JobRow
from console.fleet.jobs.words import HISTORY, SCHEDULED
from console.formatting import age, percent, rate, size
from console.ui.glyphs import Glyphs
from console.ui.paint import Inks, Piece
from console.ui.widgets.columns import Cell, Column
from console.ui.widgets.graph import bar

_BAR = 6
COLUMNS = (
    Column("job", "JOB", 12, most=22),
    Column("kind", "KIND", 9, most=11, rank=5),
    Column("state", "STATE", 12, most=18),
    Column("when", "WHEN", 10, right=True),
    Column("nodes", "NODES", 5, right=True, descending=True),
    Column("done", "DONE", _BAR + 6, rank=6, descending=True),
    Column("bytes", "BYTES", 7, right=True, descending=True),
    Column("rate", "RATE", 9, right=True, descending=True),
    Column("eta", "ETA", 6, right=True),
    Column("on", "RUNS ON", 9, most=12, rank=7),
    Column("message", "MESSAGE", 9, grow=True),
)
_ROOMY, _MESSAGE = 110, 26  # cells of the screen from which on, and of the column that says why
_FAR = float("inf")

SORTS: dict[str, Callable[[JobRow], tuple[object, ...]]] = {
    "job": lambda row: (row.name,),
    "kind": lambda row: (row.kind, row.name),
    "state": lambda row: (not row.bad, row.state, row.name),
    "when": lambda row: (row.when_s if row.when_s is not None else _FAR,),
    "nodes": lambda row: (row.amount.nodes,),
    "done": lambda row: (_known(row.amount.share),),
    "bytes": lambda row: (_known(row.amount.bytes),),
    "rate": lambda row: (_known(row.amount.rate),),
    "eta": lambda row: (row.amount.eta_s if row.amount.eta_s is not None else _FAR,),
    "message": lambda row: (row.message,),
    "on": lambda row: (row.node,),
}


def columns_for(width: int) -> tuple[Column, ...]:
    """On a screen of `width` cells; with room, what a job says comes before where it runs."""
    if width < _ROOMY:
        return COLUMNS
    return tuple(replace(c, width=_MESSAGE) if c.key == "message" else c for c in COLUMNS)


def cells(row: JobRow, inks: Inks, glyphs: Glyphs) -> Sequence[Cell]:
    """One cell for each of COLUMNS."""
    here, ink = row.amount, inks.text if row.live else inks.dim
    return (
        (row.name, inks.strong if row.live else ink),
        (row.kind, inks.dim),
        (f"{glyphs.worker(row.sign)} {row.state}", state_ink(row, inks)),
        (when(row), inks.dim),
        (nodes(row), inks.bad if row.failed_nodes else ink),
        done_cell(row, inks, glyphs),
        (size(here.bytes) if here.bytes is not None else "", ink),
        (rate(here.rate) if here.rate is not None else "", inks.good),
        (age(here.eta_s) if here.eta_s is not None else "", inks.dim),
        (row.node, inks.dim if row.view is None or row.view.reachable else inks.warn),
        (row.message, inks.warn if row.bad else inks.dim),
    )


def heading_cells(section: str, count: int, folded: bool, inks: Inks, glyphs: Glyphs) -> list[Cell]:
    """The line above a section: its name and how many there are."""
    arrow = glyphs.arrow if folded else glyphs.descending
    blank: list[Cell] = [""] * (len(COLUMNS) - 3)
    return [(f"{arrow} {section}", inks.title), "", (f"{count}", inks.dim), *blank]


def state_ink(row: JobRow, inks: Inks) -> Style:
    """Green works or is done, yellow look, red act."""
    return inks.good if row.state == "done" else inks.worker(row.sign)


def when(row: JobRow) -> str:
    """`in 12 min`, `3 h ago`, or for how long it runs."""
    record = row.view.record if row.view else None
    if record is not None and record.state == "backoff" and record.restart_in_s is not None:
        return f"in {age(record.restart_in_s)}"
    if row.when_s is None:
        return "not known" if row.section == SCHEDULED else ""
    if row.section == SCHEDULED:
        return f"in {age(row.when_s)}"
    return f"{age(row.when_s)} ago" if row.section == HISTORY else age(row.when_s)


def nodes(row: JobRow) -> str:
    return f"{row.amount.nodes_done}/{row.amount.nodes}" if row.amount.nodes else ""


def done_cell(row: JobRow, inks: Inks, glyphs: Glyphs) -> Cell:
    """A bar and its figure, of what is under way; of what is over only the figure where it is not all."""
    share = row.amount.share
    if share is None:
        return ""
    filled, rest = bar(share, _BAR, glyphs)
    tint = inks.good if row.live else inks.dim
    pieces: list[Piece] = [
        (filled, tint),
        (rest, inks.faint),
        (f" {percent(100 * share):>5}", tint),
    ]
    return pieces


def _known(value: float | None) -> float:
    return -1.0 if value is None else value
