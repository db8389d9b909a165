"""The Data screen: each dataset on each node, and totals that count no record twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from console.fleet.totals import DataRow, DatasetTotal, data_rows, totals
from console.formatting import age, count, size
from console.ui.filter_words import TEXT, FilterWords
from console.ui.keys import key
from console.ui.lines import Line, Pen, words
from console.ui.messages import NodeOpened
from console.ui.node.storage import per_day, per_hour
from console.ui.paint import Inks, Piece
from console.ui.screens.base import FleetAwareScreen
from console.ui.widgets.caption import Caption
from console.ui.widgets.columns import Cell, Column
from console.ui.widgets.sheet import Sheet
from console.ui.widgets.table import Table

UPDATE_S = 1.0
_COLUMNS = (
    Column("dataset", "DATASET", 13),
    Column("node", "NODE", 11),
    Column("records", "RECORDS", 11, right=True, descending=True),
    Column("hour", "LAST HOUR", 10, right=True, descending=True),
    Column("day", "LAST DAY", 12, right=True, rank=1, descending=True),
    Column("newest", "NEWEST", 7, right=True),
    Column("files", "FILES", 9, right=True, rank=2, descending=True),
    Column("bytes", "BYTES", 8, right=True, descending=True),
    Column("note", "NOTE", 11, grow=True),
)
_SORTS: dict[str, Callable[[DataRow], tuple[object, ...]]] = {
    "dataset": lambda row: (),
    "node": lambda row: (row.node,),
    "records": lambda row: (row.records or -1,),
    "hour": lambda row: (row.per_hour or -1.0,),
    "day": lambda row: (row.per_hour_of_day or -1.0,),
    "newest": lambda row: (row.newest_age_s if row.newest_age_s is not None else float("inf"),),
    "files": lambda row: (row.files or -1,),
    "bytes": lambda row: (row.bytes or -1,),
    "note": lambda row: (row.reason or "",),
}


class DataScreen(FleetAwareScreen):
    """Enter opens the node of a row and folds the nodes of a total."""

    name_of_screen = "Data"
    DEFAULT_CSS = "DataScreen Sheet { height: 3; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("t", "totals", "totals", "only the totals, or the nodes below them", show=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[str, DataRow] = {}
        self._totals: dict[str, DatasetTotal] = {}
        self._folded: set[str] = set()
        self._order: tuple[str, bool] = ("dataset", False)
        self._filter = ""
        self._dirty = True

    def compose_body(self) -> ComposeResult:
        yield Caption(self._caption)
        yield Table(
            _COLUMNS, self._cells, empty="no dataset is configured", sort="dataset", choose="open"
        )
        yield Sheet(self._detail)

    def on_mount(self) -> None:
        self.query_one(Table).focus()
        self.set_interval(UPDATE_S, self._update)

    # ------------------------------------------------------------ facts

    def fleet_changed(self, names: frozenset[str], alerts_changed: bool) -> None:
        self._dirty = self._dirty or bool(names)
        if not self._totals:
            self._update()

    def _update(self) -> None:
        if self._dirty and not self.console_app.paused:
            self._dirty = False
            self._arrange()

    def _arrange(self) -> None:
        store = self.store
        found = data_rows(store.nodes.values(), store.history, store.now)
        self._totals = {total.dataset: total for total in totals(found)}
        self._rows = {f"{row.dataset}/{row.node}": row for row in found if self._matches(row)}
        table = self.query_one(Table)
        table.empty = "nothing matches" if self._filter else "no dataset is configured"
        table.show_keys(self._keys())
        table.rows_changed()
        self.query_one(Caption).refresh()
        self.query_one(Sheet).redraw()

    def _keys(self) -> list[str]:
        sort, descending = self._order
        keys: list[str] = []
        for name in self._totals:
            own = [row for row in self._rows.values() if row.dataset == name]
            if not own:
                continue
            keys.append(name)
            if name not in self._folded:
                own = sorted(own, key=_SORTS[sort], reverse=descending)
                keys += [f"{name}/{row.node}" for row in own]
        return keys

    def _matches(self, row: DataRow) -> bool:
        text = f"{row.dataset} {row.node} {row.state} {row.reason or ''}".lower()
        return all(
            (word[1:] not in text) if word.startswith("!") and len(word) > 1 else word in text
            for word in self._filter.lower().split()
        )

    # ------------------------------------------------------------ painting

    def _cells(self, row_key: str, inks: Inks) -> Sequence[Cell]:
        row = self._rows.get(row_key)
        if row is None:
            total = self._totals.get(row_key)
            return _total_cells(total, inks) if total else ("",) * len(_COLUMNS)
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
            (_note(row), inks.warn),
        )

    def _caption(self, inks: Inks) -> list[Piece]:
        whole = len({row.node for row in self._rows.values()})
        pieces: list[Piece] = [
            (f" {len(self._totals)} datasets on {whole} nodes; a record counts once", inks.dim)
        ]
        if self._filter:
            pieces.append((f"   / {self._filter}", inks.key))
        return pieces

    def _detail(self, pen: Pen) -> list[Line]:
        current = self.query_one(Table).current or ""
        total, row = self._totals.get(current), self._rows.get(current)
        if row is not None:
            said = row.reason or ""
            faults = "; ".join((*row.faults, *row.unreadable))
            return words(pen, f"{row.dataset} on {row.node}: {said or 'counted'}{'; ' + faults if faults else ''}", pen.inks.dim, 1)  # fmt: skip
        if total is None:
            return []
        said = f"{total.dataset}: "
        said += f"{count(total.repeated_records)} records lie on more than one node and count once. " if total.repeated_records else ""  # fmt: skip
        if total.partial:
            missing = ", ".join(f"{node} ({why})" for node, why in total.unknown)
            said += f"The total does not speak for {missing}"
        else:
            said += "every node that holds it is counted"
        return words(pen, said, pen.inks.warn if total.partial else pen.inks.dim, 1)

    # ------------------------------------------------------------ keys

    def on_table_moved(self, message: Table.Moved) -> None:
        self.query_one(Sheet).redraw()

    def on_table_chosen(self, message: Table.Chosen) -> None:
        row = self._rows.get(message.key)
        if row is not None:
            self.post_message(NodeOpened(row.node))
        else:
            self._folded ^= {message.key}
            self._arrange()

    def on_table_sort_asked(self, message: Table.SortAsked) -> None:
        self._order = (message.column, message.descending)
        self._arrange()

    def action_totals(self) -> None:
        self._folded = set() if self._folded else set(self._totals)
        self._arrange()

    def current_node(self) -> str | None:
        row = self._rows.get(self.query_one(Table).current or "") if self.is_mounted else None
        return row.node if row else None

    def text_to_copy(self) -> str:
        current = self.query_one(Table).current or ""
        total, row = self._totals.get(current), self._rows.get(current)
        records = row.records if row else total.records if total else None
        return f"{current} {count(records)}" if current else ""

    @property
    def filter_text(self) -> str | None:
        return self._filter

    @property
    def filter_words(self) -> FilterWords:
        return TEXT

    def apply_filter(self, text: str) -> None:
        self._filter = text
        self._arrange()


def _total_cells(total: DatasetTotal, inks: Inks) -> Sequence[Cell]:
    nodes = f"{total.nodes} node{'s'[: total.nodes != 1]}"
    notes = []
    if total.partial:
        notes.append(f"partial: {len(total.unknown)} of {total.nodes} not known now")
    if total.repeated_records:
        notes.append(f"{count(total.repeated_records)} held twice, counted once")
    return (
        (total.dataset, inks.title),
        (nodes, inks.dim),
        (count(total.records), inks.strong),
        (per_hour(total.per_hour), inks.good if total.per_hour else inks.dim),
        (per_day(total.per_hour_of_day), inks.text),
        age(total.newest_age_s),
        (count(total.files), inks.text),
        (size(total.bytes), inks.text),
        ("; ".join(notes), inks.warn if total.partial else inks.dim),
    )


def _note(row: DataRow) -> str:
    if row.same_as is not None:
        return f"counted as {row.same_as}"
    return row.reason or ""
