"""The Data screen: each dataset on each node, and totals that count no record twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from console.fleet.totals import DataRow, DatasetTotal, data_rows, totals
from console.formatting import count
from console.ui.data import words as said
from console.ui.data.columns import COLUMNS, SORTS, row_cells, since, total_cells
from console.ui.filter_words import TEXT, FilterWords
from console.ui.keys import key
from console.ui.lines import Line, Pen, words
from console.ui.messages import NodeOpened
from console.ui.paint import Inks, Piece
from console.ui.screens.base import FleetAwareScreen
from console.ui.widgets.caption import Caption
from console.ui.widgets.columns import Cell
from console.ui.widgets.sheet import Sheet
from console.ui.widgets.table import Table

UPDATE_S = 1.0


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
            COLUMNS, self._cells, empty="no dataset is configured", sort="dataset", choose="open"
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
        if self.console_app.paused:
            return
        if self.is_current and self.runtime.ledger.due:
            self.refresh_asked()
        if self._dirty:
            self._dirty = False
            self._arrange()

    def refresh_asked(self) -> None:
        """Has the files compared with the manifests now."""
        if not self.runtime.ledger.busy:
            self.run_worker(self._look(), group="ledger")

    async def _look(self) -> None:
        await self.runtime.ledger.refresh()
        self._arrange()

    def _arrange(self) -> None:
        store = self.store
        found = data_rows(store.nodes.values(), store.history, store.now, store.ledger)
        self._totals = {total.dataset: total for total in totals(found, store.ledger)}
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
                own = sorted(own, key=SORTS[sort], reverse=descending)
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
        row, total = self._rows.get(row_key), self._totals.get(row_key)
        if row is not None:
            return row_cells(row, self.store.clock, inks)
        return total_cells(total, self.store.clock, inks) if total else ("",) * len(COLUMNS)

    def _caption(self, inks: Inks) -> list[Piece]:
        whole = len({row.node for row in self._rows.values()})
        pieces: list[Piece] = [
            (f" {len(self._totals)} datasets on {whole} nodes; a record counts once", inks.dim)
        ]
        looked = [
            row.ledger.clock for row in self._rows.values() if row.ledger and row.ledger.holds
        ]
        if looked:
            when = since(max(looked), self.store.clock)
            pieces.append((f"; compared {when} ago", inks.dim))
        if self._filter:
            pieces.append((f"   / {self._filter}", inks.key))
        return pieces

    def _detail(self, pen: Pen) -> list[Line]:
        current = self.query_one(Table).current or ""
        total, row = self._totals.get(current), self._rows.get(current)
        if row is not None:
            return words(pen, said.of_row(row, self.store.clock), pen.inks.dim, 1)
        if total is None:
            return []
        return words(pen, said.of_total(total), pen.inks.warn if total.partial else pen.inks.dim, 1)

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
