"""The columns of the Data screen: what is counted, and what of it is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.style import Style

from console.fleet.ledger import Consolidated, Entry, is_late
from console.fleet.totals import DataRow, DatasetTotal
from console.formatting import MISSING, age, count, size
from console.ui.node.storage import per_day, per_hour
from console.ui.paint import Inks, Piece
from console.ui.widgets.columns import Cell, Column

COLUMNS = (
    Column("dataset", "DATASET", 13),
    Column("node", "NODE", 11),
    Column("records", "RECORDS", 11, right=True, descending=True),
    Column("hour", "LAST HOUR", 10, right=True, descending=True),
    Column("day", "LAST DAY", 12, right=True, rank=3, descending=True),
    Column("newest", "NEWEST", 7, right=True),
    Column("files", "FILES", 9, right=True, rank=4, descending=True),
    Column("bytes", "BYTES", 8, right=True, rank=1, descending=True),
    Column("left_records", "NOT SYNCED", 11, right=True, rank=5, descending=True),
    Column("left", "UNSYNCED", 8, right=True, descending=True),
    Column("synced", "SYNCED", 7, right=True, rank=2),
    Column("aggregated", "AGGREGATED", 10, right=True, rank=2),
    Column("backed_up", "BACKED UP", 9, right=True, rank=2),
    Column("note", "NOTE", 11, grow=True),
)
SORTS: dict[str, Callable[[DataRow], tuple[object, ...]]] = {
    "dataset": lambda row: (),
    "node": lambda row: (row.node,),
    "records": lambda row: (row.records or -1,),
    "hour": lambda row: (row.per_hour or -1.0,),
    "day": lambda row: (row.per_hour_of_day or -1.0,),
    "newest": lambda row: (row.newest_age_s if row.newest_age_s is not None else float("inf"),),
    "files": lambda row: (row.files or -1,),
    "bytes": lambda row: (row.bytes or -1,),
    "left_records": lambda row: (_figure(row, "unsynced_records"),),
    "left": lambda row: (_figure(row, "unsynced_bytes"),),
    "synced": lambda row: (-_figure(row, "last_synced_at"),),
    "aggregated": lambda row: (-_figure(row, "last_aggregated_at"),),
    "backed_up": lambda row: (-_figure(row, "last_backed_up_at"),),
    "note": lambda row: (row.reason or "",),
}


def row_cells(row: DataRow, clock: float, inks: Inks) -> Sequence[Cell]:
    """One dataset on one node, below its total. `clock`: our wall clock."""
    faint = row.state != "up" or row.same_as is not None
    ink = inks.dim if faint else inks.text
    return (
        "",
        (row.node, ink),
        (count(row.records), ink),
        (per_hour(row.per_hour), inks.good if row.per_hour else inks.dim),
        (per_day(row.per_hour_of_day), inks.dim),
        (age(row.newest_age_s), inks.dim),
        (count(row.files), inks.dim),
        (size(row.bytes), inks.dim),
        *ledger_cells(row.ledger or Entry(row.dataset), clock, inks, faint),
        (note(row), inks.dim if row.ledger and row.ledger.stays and not row.reason else inks.warn),
    )


def ledger_cells(entry: Entry, clock: float, inks: Inks, faint: bool = False) -> tuple[Cell, ...]:
    """Records and bytes that are not synced, and since when it is at each stage; last known ones are dim."""
    standing = entry.standing
    if standing is None:
        return ((MISSING, inks.dim),) * 5
    left = standing.unsynced_bytes
    ink = inks.good if not left else inks.warn if is_late(entry, clock) else inks.text
    if faint or not entry.holds:
        ink = inks.dim
    return (
        (count(standing.unsynced_records), ink),
        (size(left), ink),
        (since(standing.last_synced_at, clock), inks.dim),
        (since(standing.last_aggregated_at, clock), inks.dim),
        (since(standing.last_backed_up_at, clock), inks.dim),
    )


def total_cells(total: DatasetTotal, clock: float, inks: Inks) -> Sequence[Cell]:
    """One dataset in all."""
    nodes = f"{total.nodes} node{'s'[: total.nodes != 1]}"
    return (
        (total.dataset, inks.title),
        (nodes, inks.dim),
        (count(total.records), inks.strong),
        (per_hour(total.per_hour), inks.good if total.per_hour else inks.dim),
        (per_day(total.per_hour_of_day), inks.text),
        age(total.newest_age_s),
        (count(total.files), inks.text),
        (size(total.bytes), inks.text),
        (count(total.unsynced_records), inks.text),
        _total_left(total, inks),
        "",
        (since(total.held.last_aggregated_at, clock), _tint(total.held, inks)),
        (since(total.held.last_backed_up_at, clock), _tint(total.held, inks)),
        _total_note(total, inks),
    )


def since(at: float | None, clock: float) -> str:
    """How long ago a moment of the wall clock was."""
    return age(None if at is None else max(0.0, clock - at))


def note(row: DataRow) -> str:
    """Why the figures of a row are not what one expects."""
    if row.same_as is not None:
        return f"counted as {row.same_as}"
    if row.reason:
        return row.reason
    entry = row.ledger
    if entry is None or entry.holds:
        return "no job brings it from here" if entry is not None and entry.stays else ""
    return f"ledger: {entry.fault}" if row.files else ""


def _total_left(total: DatasetTotal, inks: Inks) -> Piece:
    """Where not all is known: more than what is."""
    if total.unsynced_bytes is not None:
        return (size(total.unsynced_bytes), inks.warn if total.unsynced_bytes else inks.good)
    known = total.unsynced_bytes_known
    return (f">{size(known)}" if known else MISSING, inks.dim)


def _total_note(total: DatasetTotal, inks: Inks) -> Piece:
    notes = []
    if total.partial:
        notes.append(f"partial: {len(total.unknown)} of {total.nodes} not known now")
    if total.repeated_records:
        notes.append(f"{count(total.repeated_records)} held twice, counted once")
    if total.held.aggregated_records:
        notes.append(f"{count(total.held.aggregated_records)} aggregated")
    return ("; ".join(notes), inks.warn if total.partial else inks.dim)


def _tint(held: Consolidated, inks: Inks) -> Style:
    return inks.dim if held.unknown else inks.text


def _figure(row: DataRow, name: str) -> float:
    """Of the newest standing; below all others where there is none."""
    standing = row.ledger.standing if row.ledger else None
    value = getattr(standing, name, None)
    return -1.0 if value is None else float(value)
