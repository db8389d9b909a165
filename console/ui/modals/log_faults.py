"""What went wrong in the logs, grouped and counted: first of the lines here, then of the whole logs on the nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from console.errors import QuarterdeckError
from console.fleet.logs.faults import KINDS, NAMES, group
from console.fleet.logs.line import Line as LogLine
from console.formatting import count, size
from console.ui.lines import Line, Pen, words
from console.ui.logs.following import Followed, Following
from console.ui.logs.rows import time_of_day
from console.ui.modals.dialog import PAPER, Dialog, DialogKeys
from console.ui.paint import Inks
from console.ui.widgets.columns import Cell, Column
from console.ui.widgets.sheet import Sheet
from console.ui.widgets.table import Table
from workers.protocol import FindErrors, LogErrorGroup

_COLUMNS = (
    Column("kind", "WHAT", 18),
    Column("count", "TIMES", 6, right=True),
    Column("last", "LAST", 8),
    Column("source", "LOG", 16, rank=1),
    Column("title", "", 30, grow=True),
)


class Fault(NamedTuple):
    """One row."""

    kind: str
    title: str
    times: int
    last: LogLine
    excerpt: str = ""


class LogFaults(Dialog[LogLine]):
    """Gives the line where the chosen fault last began, or None."""

    title_text = "What went wrong"
    keys = (("Enter", "opens the log at the last one"), ("Esc", "leaves"))
    DEFAULT_CSS = """
    LogFaults > #box { width: 94%; }
    LogFaults #box Table { height: 1fr; min-height: 3; background: $surface; }
    LogFaults #box #excerpt { margin-top: 1; }
    """

    def __init__(self, following: Following) -> None:
        super().__init__()
        self._following = following
        self._of_source: dict[int, list[Fault]] = {}  # as their nodes counted them
        self._waiting = len(following.followed)
        self._untold: list[str] = []
        self._faults: dict[str, Fault] = {}

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Sheet(self.lines, paper=PAPER, fitted=True)
            yield Table(
                _COLUMNS, self._cells, empty="nothing that went wrong was found", paper=PAPER
            )
            yield Sheet(self._excerpt, paper=PAPER, fitted=True, id="excerpt")
            yield DialogKeys(self.keys)

    def on_mount(self) -> None:
        self._arrange()
        self.run_worker(self._ask(), exclusive=True)

    def first_focus(self) -> Widget:
        return self.query_one(Table)

    # ------------------------------------------------------------ facts

    async def _ask(self) -> None:
        followed = self._following.followed
        await asyncio.gather(*(self._ask_one(place, each) for place, each in enumerate(followed)))

    async def _ask_one(self, place: int, followed: Followed) -> None:
        source = followed.source
        try:
            if source.run_id:
                found = await self._following.feed.errors(source.node, FindErrors(source.run_id))
                self._of_source[place] = [_of_the_node(place, one) for one in found.groups]
                if not found.complete:
                    self._untold.append(
                        f"{source.tag}: only {size(found.searched_bytes)} were read"
                    )
        except QuarterdeckError as error:
            self._untold.append(f"{source.tag}: {error}")
        self._waiting -= 1
        if self.is_attached:
            self._arrange()

    def _arrange(self) -> None:
        here = [
            Fault(found.kind, found.title, found.count, found.last)
            for found in group(self._following.book.lines)
            if found.last.source not in self._of_source
        ]
        told = [fault for faults in self._of_source.values() for fault in faults]
        faults = sorted([*here, *told], key=lambda f: (KINDS.index(f.kind), -f.last.time))
        self._faults = {f"{f.last.source} {f.kind} {f.title}": f for f in faults}
        table = self.query_one(Table)
        table.show_keys(self._faults)
        table.rows_changed()
        table.styles.height = max(2, min(self.size.height - 14, len(faults) + 1))
        self.redraw()

    # ------------------------------------------------------------ painting

    def lines(self, pen: Pen) -> list[Line]:
        if self._waiting:
            return words(pen, "in the lines here; the whole logs are being read on their nodes…", pen.inks.dim)  # fmt: skip
        said = "in the whole logs"
        if self._untold:
            said = f"in the whole logs, but: {'; '.join(self._untold)}"
        return words(pen, said, pen.inks.warn if self._untold else pen.inks.dim)

    def redraw(self) -> None:
        for sheet in self.query(Sheet):
            sheet.redraw()

    def _excerpt(self, pen: Pen) -> list[Line]:
        fault = self._faults.get(self.query_one(Table).current or "") if self.is_mounted else None
        if fault is None:
            return []
        lines = words(pen, fault.title, pen.inks.strong)[:3]
        for part in fault.excerpt.splitlines()[-8:]:
            lines += words(pen, part, pen.inks.dim)[:1]
        return lines

    def _cells(self, row_key: str, inks: Inks) -> Sequence[Cell]:
        fault = self._faults[row_key]
        return (
            (f"{self.console_app.glyphs.alert} {NAMES[fault.kind]}", inks.bad),
            (count(fault.times), inks.strong),
            (time_of_day(int(fault.last.time)), inks.dim),
            (self._following.sources[fault.last.source].tag, inks.dim),
            fault.title,
        )

    def on_table_moved(self, message: Table.Moved) -> None:
        self.query_one("#excerpt", Sheet).redraw()

    def on_table_chosen(self, message: Table.Chosen) -> None:
        fault = self._faults.get(message.key)
        if fault is not None:
            self.dismiss(fault.last)


def _of_the_node(place: int, told: LogErrorGroup) -> Fault:
    """A group as the node tells it. A kind it has a newer word for is an error."""
    kind = told.kind if told.kind in KINDS else "error"
    attempt, which, offset = told.last
    clock = told.last_clock
    data = told.title.encode("utf-8", "replace")
    line = LogLine(clock, clock, True, place, attempt, which, offset, data, 0, kind)
    return Fault(kind, told.title, told.occurrences, line, told.excerpt)
