"""The Jobs screen: what runs, waits, is planned and is over, and each node of the job under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from console.fleet.jobs import SECTIONS, JobRow, job_rows
from console.fleet.jobs.filter import parse
from console.fleet.jobs.words import HISTORY, QUEUED, RUNNING, SCHEDULED
from console.fleet.workers import WorkerView
from console.fleet.workers.words import command_line
from console.ui.filter_words import JOBS, FilterWords
from console.ui.jobs.columns import COLUMNS, SORTS, cells, columns_for, heading_cells
from console.ui.jobs.detail import detail_lines
from console.ui.keys import key
from console.ui.lines import Line, Pen, heading
from console.ui.paint import Inks, Piece, fit
from console.ui.screens.base import FleetAwareScreen
from console.ui.widgets.caption import Caption
from console.ui.widgets.columns import Cell
from console.ui.widgets.sheet import Sheet
from console.ui.widgets.table import Table

_SAID = {RUNNING: "running", QUEUED: "queued", SCHEDULED: "scheduled", HISTORY: "over"}


class JobsScreen(FleetAwareScreen):
    """Enter opens a job, shows the plan of one that is planned, and folds a section."""

    name_of_screen = "Jobs"
    DEFAULT_CSS = "JobsScreen Sheet { height: 45%; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("x", "cancel_job", "cancel", "cancel the job: what has arrived stays", show=True),
        key("r", "retry_job", "retry", "do again what failed, on those nodes only", show=True),
        key(
            "t",
            "start_schedule",
            "schedule",
            "start the worker that starts jobs when they are due",
            show=True,
        ),
        key("tab", "switch_focus", "its nodes", "between the list and the nodes of the job"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[str, JobRow] = {}
        self._counts: dict[str, int] = {}
        self._folded: set[str] = set()
        self._order: tuple[str, bool] | None = None
        self._filter = ""
        self._accepts = parse("")
        self._moved = False

    def compose_body(self) -> ComposeResult:
        yield Caption(self._caption)
        yield Table(COLUMNS, self._cells, choose="open")
        yield Sheet(self._detail)

    def on_mount(self) -> None:
        self.query_one(Table).focus()
        if hasattr(self.runtime, "jobs"):
            self.runtime.orchestrator()  # jobs run on this machine, which need not be among the nodes

    def on_resize(self) -> None:
        self.query_one(Table).use_columns(columns_for(self.size.width))

    # ------------------------------------------------------------ what is shown

    def fleet_changed(self, names: frozenset[str], alerts_changed: bool) -> None:
        self._arrange()

    def _arrange(self) -> None:
        every = job_rows(self.store.workers(earlier=True), self.console_app.known_jobs())
        shown = [row for row in every if self._accepts(row)]
        self._rows = {row.key: row for row in shown}
        self._counts = {s: sum(row.section == s for row in shown) for s in SECTIONS}
        table = self.query_one(Table)
        table.empty = "no job matches" if self._filter else self._nothing()
        table.show_keys(self._keys(shown))
        if not self._moved and shown:
            self._moved = table.select(shown[0].key)
        table.rows_changed()
        self.query_one(Caption).refresh()
        self.query_one(Sheet).redraw()
        self.refresh_bindings()

    def _keys(self, shown: Sequence[JobRow]) -> list[str]:
        """Section by section: its heading, then its rows where it is not folded."""
        keys: list[str] = []
        for section in SECTIONS:
            own = [row for row in shown if row.section == section]
            if own:
                keys.append(section)
                keys += [] if section in self._folded else [row.key for row in self._sorted(own)]
        return keys

    def _sorted(self, rows: list[JobRow]) -> list[JobRow]:
        if self._order is None:
            return rows
        column, descending = self._order
        return sorted(rows, key=SORTS[column], reverse=descending)

    def _nothing(self) -> str:
        return "no jobs yet" if self.read_only else "no jobs yet: b shows what can be done"

    @property
    def current(self) -> JobRow | None:
        """The job under the cursor; None on a heading."""
        return self._rows.get(self.query_one(Table).current or "") if self.is_mounted else None

    # ------------------------------------------------------------ painting

    def _cells(self, row_key: str, inks: Inks) -> Sequence[Cell]:
        glyphs = self.console_app.glyphs
        row = self._rows.get(row_key)
        if row is not None:
            return cells(row, inks, glyphs)
        count = self._counts.get(row_key, 0)
        return heading_cells(row_key, count, row_key in self._folded, inks, glyphs)

    def _caption(self, inks: Inks) -> list[Piece]:
        said = [f"{self._counts[s]} {_SAID[s]}" for s in SECTIONS if self._counts.get(s)]
        pieces: list[Piece] = [(f" {', '.join(said) or 'no jobs'}", inks.dim)]
        bad = sum(row.bad for row in self._rows.values())
        if bad:
            pieces.append((f"  {bad} not as wanted", inks.bad))
        if self._counts.get(SCHEDULED) and not self.console_app.scheduler_runs:
            pieces.append(("  no schedule runs: nothing starts by itself", inks.warn))
        if self._filter:
            pieces.append((f"  / {fit(self._filter, min(40, len(self._filter)))}", inks.key))
        return pieces

    def _detail(self, pen: Pen) -> list[Line]:
        row = self.current
        if row is not None:
            return detail_lines(row, pen)
        section = self.query_one(Table).current
        if section is None:
            return []
        count, folded = self._counts.get(section, 0), section in self._folded
        said = f"{count} {_SAID[section]}; Enter {'unfolds' if folded else 'folds'} the section"
        return [heading(pen, section), [(f" {said}", pen.inks.dim)]]

    # ------------------------------------------------------------ keys

    def on_table_moved(self, message: Table.Moved) -> None:
        self.query_one(Sheet).scroll_to(y=0, animate=False)
        self.query_one(Sheet).redraw()
        self.refresh_bindings()

    def on_table_sort_asked(self, message: Table.SortAsked) -> None:
        self._order = (message.column, message.descending)
        self._arrange()

    def on_table_chosen(self, message: Table.Chosen) -> None:
        row = self._rows.get(message.key)
        if row is None:
            self._folded ^= {message.key}
            self._arrange()
        elif row.view is not None:
            self.console_app.show_job(row.view)
        else:
            self.console_app.show_plan((row.name,))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        row = self.current
        if action == "cancel_job":
            return row is not None and row.can_cancel and not self.read_only
        if action == "start_schedule":
            waits = self._counts.get(SCHEDULED) and not self.console_app.scheduler_runs
            return bool(waits) and not self.read_only
        if action == "retry_job":
            return row is not None and row.can_retry and not self.read_only
        return True

    def action_cancel_job(self) -> None:
        row = self.current
        if row is not None:
            self.console_app.ask_cancel(row)

    def action_retry_job(self) -> None:
        row = self.current
        if row is not None:
            self.console_app.retry_job(row)

    def action_start_schedule(self) -> None:
        self.console_app.ask_schedule([r for r in self._rows.values() if r.section == SCHEDULED])

    def action_switch_focus(self) -> None:
        table, sheet = self.query_one(Table), self.query_one(Sheet)
        (table if sheet.has_focus else sheet).focus()

    # ------------------------------------------------------------ hooks

    def current_node(self) -> str | None:
        row = self.current
        return (row.node or None) if row else None

    def selected_workers(self) -> tuple[WorkerView, ...]:
        row = self.current
        return (row.view,) if row and row.view else ()

    def text_to_copy(self) -> str:
        row = self.current
        if row is None or row.view is None:
            return row.name if row else ""
        record = row.view.record
        return f"{record.name}@{row.node} {record.run_id} {command_line(record.command)}"

    @property
    def filter_text(self) -> str | None:
        return self._filter

    @property
    def filter_words(self) -> FilterWords:
        return JOBS

    def apply_filter(self, text: str) -> None:
        """Raises ValueError for a filter that cannot be understood; the old one stays."""
        self._accepts = parse(text)
        self._filter = text
        self._arrange()
