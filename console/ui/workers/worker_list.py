"""The list of workers, of the fleet or of one node: filter, order, marks, and what the cursor stands on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from console.fleet.workers import WorkerView
from console.fleet.workers.filter import parse
from console.fleet.workers.words import command_line
from console.ui.contained import Contained
from console.ui.keys import key
from console.ui.lines import Line, Pen, words
from console.ui.paint import Inks, Piece, fit
from console.ui.widgets.caption import Caption
from console.ui.widgets.columns import Cell
from console.ui.widgets.sheet import Sheet
from console.ui.widgets.table import Table
from console.ui.workers.columns import COLUMNS, NODE, cells
from console.ui.workers.rows import Rows

if TYPE_CHECKING:
    from console.ui.app import QuarterdeckApp


def row_key(view: WorkerView) -> str:
    """What the table knows a run by."""
    return "/".join(view.key)


class WorkerList(Contained, Container):
    """The newest run of each name; `e` shows the earlier runs too. `node`: only of this one."""

    DEFAULT_CSS = """
    WorkerList { height: 1fr; width: 1fr; }
    WorkerList > Sheet { height: 3; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("space", "mark", "mark", "mark the worker; actions then take the marked", show=True),
        key("asterisk", "mark_all", "mark all", "mark every worker shown"),
        key("ctrl+backslash", "unmark", "unmark", "take all marks back"),
        key("e", "earlier", "earlier runs", "the earlier runs of each worker too, or only the newest"),
        Binding("w", "unwell", "unwell", show=False, id="unwell",
                tooltip="only the workers that are not as they should be"),
    ]  # fmt: skip

    def __init__(self, node: str | None = None) -> None:
        super().__init__()
        self.node = node
        self.filter_text = ""
        self._accepts = parse("")
        self._views: dict[str, WorkerView] = {}
        self._rows = Rows("state" if node is None else "name")
        self._earlier = False
        self._unwell = False

    @property
    def console_app(self) -> QuarterdeckApp:
        return cast("QuarterdeckApp", self.app)

    @property
    def table(self) -> Table:
        return self.query_one(Table)

    def compose(self) -> ComposeResult:
        columns = COLUMNS if self.node is None else tuple(c for c in COLUMNS if c is not NODE)
        yield Caption(self._caption)
        yield Table(columns, self._cells, sort=self._rows.column, choose="details")
        detail = Sheet(self._detail)
        detail.can_focus = False  # the keys of a worker belong to the table
        yield detail

    def on_mount(self) -> None:
        self.show_now()

    # ------------------------------------------------------------ what is shown

    def fleet_changed(self, names: frozenset[str], alerts_changed: bool) -> None:
        if self.is_mounted and (self.node is None or self.node in names):
            self.show_now()

    def show_now(self) -> None:
        """Reads the store again. Rows stay where they are; a new one comes where it belongs."""
        found = {row_key(view): view for view in self._of_store() if self._shows(view)}
        self._views = {key: found[key] for key in self._rows.placed(found)}
        table = self.table
        table.empty = self._nothing()
        if not table.marked <= found.keys():
            table.mark(table.marked & found.keys())
        table.show_keys(self._views)
        table.rows_changed()
        self.query_one(Caption).refresh()
        self.query_one(Sheet).redraw()

    def _sort_anew(self) -> None:
        self._rows.forget()
        self.show_now()

    def _of_store(self) -> Sequence[WorkerView]:
        store = self.console_app.runtime.store
        views = store.workers(earlier=self._earlier)
        here = (view for view in views if self.node is None or view.node == self.node)
        return [view for view in here if view.record.kind != "job"]

    def _shows(self, view: WorkerView) -> bool:
        return (not self._unwell or view.unwell) and self._accepts(view)

    def _nothing(self) -> str:
        if self.filter_text or self._unwell:
            return "no worker matches"
        return "no workers yet" if self.console_app.read_only else "no workers yet: S starts one"

    @property
    def current(self) -> WorkerView | None:
        return self._views.get(self.table.current or "") if self.is_mounted else None

    @property
    def selected(self) -> tuple[WorkerView, ...]:
        """The marked workers, or the one under the cursor."""
        marks, current = self.table.marked, self.current
        if marks:
            return tuple(view for name, view in self._views.items() if name in marks)
        return (current,) if current else ()

    # ------------------------------------------------------------ painting

    def _cells(self, row_key: str, inks: Inks) -> Sequence[Cell]:
        view = self._views.get(row_key)
        if view is None:
            return ("",) * len(self.table.columns)
        row = cells(view, inks, self.console_app.glyphs)
        if self.node is None:
            return row
        return [cell for cell, column in zip(row, COLUMNS, strict=True) if column is not NODE]

    def _caption(self, inks: Inks) -> list[Piece]:
        views = self._views.values()
        live = sum(view.live and view.reachable for view in views)
        unseen = sum(not view.reachable for view in views)
        unwell = sum(view.unwell for view in views)
        pieces: list[Piece] = [
            (f" {len(views)} worker{'s'[: len(views) != 1]}, {live} alive", inks.dim)
        ]
        if unwell:
            pieces.append((f"  {unwell} unwell", inks.bad))
        if unseen:
            pieces.append((f"  {unseen} as last seen: their nodes do not answer", inks.warn))
        if self._earlier:
            pieces.append(("  earlier runs too", inks.key))
        if self._unwell:
            pieces.append(("  only the unwell", inks.key))
        if self.filter_text:
            pieces.append(
                (f"  / {fit(self.filter_text, min(40, len(self.filter_text)))}", inks.key)
            )
        if self.table.marked:
            pieces.append((f"  {len(self.table.marked)} marked", inks.key))
        return pieces

    def _detail(self, pen: Pen) -> list[Line]:
        view = self.current
        if view is None:
            return []
        record, inks = view.record, pen.inks
        said = view.sentence
        if not said.startswith("wanted"):
            said = f"wanted {record.desired}, {said}"
        lines = words(pen, f"{record.name} on {view.node}: {said}", inks.text, 1)[:2]
        command = command_line(record.command)
        return [*lines, [(" ", inks.dim), (fit(command, pen.width - 2), inks.dim)]]

    # ------------------------------------------------------------ keys

    def on_table_moved(self, message: Table.Moved) -> None:
        self.query_one(Sheet).redraw()
        self.screen.refresh_bindings()

    def on_table_sort_asked(self, message: Table.SortAsked) -> None:
        message.stop()
        self._rows.column, self._rows.descending = message.column, message.descending
        self._sort_anew()

    def on_table_chosen(self, message: Table.Chosen) -> None:
        message.stop()
        view = self._views.get(message.key)
        if view is not None:
            self.console_app.show_worker(view)

    def action_mark(self) -> None:
        table = self.table
        if table.current is not None:
            self._mark(table.marked ^ {table.current})
            table.action_move(1)

    def action_mark_all(self) -> None:
        self._mark(frozenset(self._views))

    def action_unmark(self) -> None:
        self._mark(frozenset())

    def _mark(self, marks: frozenset[str]) -> None:
        self.table.mark(marks)
        self.query_one(Caption).refresh()
        self.screen.refresh_bindings()

    def action_earlier(self) -> None:
        self._earlier = not self._earlier
        self._sort_anew()

    def action_unwell(self) -> None:
        self._unwell = not self._unwell
        self._sort_anew()

    def apply_filter(self, text: str) -> None:
        """Raises ValueError for a filter that cannot be understood; the old one stays."""
        self._accepts = parse(text)
        self.filter_text = text
        self._sort_anew()

    def step_back(self) -> bool:
        """Esc: marks, then the filter, then the choice of the unwell."""
        if self.table.marked:
            self.action_unmark()
        elif self.filter_text:
            self.apply_filter("")
        elif self._unwell:
            self.action_unwell()
        else:
            return False
        return True
