"""Whose logs to follow: the workers of the fleet, to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget

from console.fleet.workers import WorkerView
from console.formatting import age, size
from console.ui.lines import Line, Pen, words
from console.ui.logs.feed import LogSource
from console.ui.modals.dialog import PAPER, Dialog, DialogKeys
from console.ui.paint import Inks
from console.ui.widgets.columns import Cell, Column
from console.ui.widgets.sheet import Sheet
from console.ui.widgets.table import Table

_COLUMNS = (
    Column("name", "WORKER", 18, grow=True),
    Column("node", "NODE", 12),
    Column("state", "STATE", 10),
    Column("bytes", "LOG", 8, right=True),
    Column("age", "LAST LINE", 9, right=True),
)
_HIGHEST = 18


class LogSources(Dialog[tuple[LogSource, ...]]):
    """Gives the chosen ones, in the order they are listed, or None."""

    title_text = "Follow the logs of"
    keys = (("Space", "marks"), ("*", "all"), ("Enter", "follows the marked, merged by time"), ("Esc", "leaves"))  # fmt: skip
    DEFAULT_CSS = "LogSources #box Table { height: auto; background: $surface; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", show=False),
        Binding("asterisk", "mark_all", "Mark all", show=False),
    ]

    def __init__(self, followed: Iterable[LogSource] = ()) -> None:
        """`followed`: those that are followed now, marked from the start."""
        super().__init__()
        self._followed = frozenset((source.node, source.run_id) for source in followed)
        self._views: dict[str, WorkerView] = {}

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Sheet(self.lines, paper=PAPER, fitted=True)
            yield Table(
                _COLUMNS, self._cells, empty="no worker is known: S starts one", paper=PAPER
            )
            yield DialogKeys(self.keys)

    def on_mount(self) -> None:
        found = sorted(self.runtime.store.workers(), key=lambda view: not view.live)
        self._views = {"\0".join(view.key): view for view in found}
        table = self.query_one(Table)
        table.show_keys(self._views)
        table.mark(frozenset(k for k, view in self._views.items() if view.key in self._followed))
        table.styles.height = max(2, min(_HIGHEST, self.size.height - 10, len(found) + 1))

    def first_focus(self) -> Widget:
        return self.query_one(Table)

    def lines(self, pen: Pen) -> list[Line]:
        said = "One worker, or several whose lines are then merged by time. o follows any file of a node instead."
        return [[], *words(pen, said, pen.inks.text), []]

    def _cells(self, row_key: str, inks: Inks) -> Sequence[Cell]:
        view = self._views[row_key]
        record = view.record
        ink = inks.text if view.live and view.reachable else inks.dim
        return (
            (view.name, inks.strong if view.live else ink),
            (view.node, inks.dim if view.reachable else inks.warn),
            (record.state, inks.bad if view.unwell else ink),
            (size(record.log_bytes), ink),
            (age(record.log_age_s), inks.dim),
        )

    def action_mark(self) -> None:
        table = self.query_one(Table)
        if table.current is not None:
            table.mark(table.marked ^ {table.current})
            table.action_move(1)

    def action_mark_all(self) -> None:
        table = self.query_one(Table)
        table.mark(frozenset(table.keys))

    def on_table_chosen(self, message: Table.Chosen) -> None:
        table = self.query_one(Table)
        chosen = table.marked or frozenset({message.key})
        views = [view for row_key, view in self._views.items() if row_key in chosen]
        self.dismiss(tuple(LogSource(*view.key, name=view.name) for view in views))
