"""All that a search found, here and on the nodes, the newest first; Enter opens the log there."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from console.fleet.logs.find import Finder
from console.fleet.logs.line import Line as LogLine
from console.formatting import count, size
from console.ui.lines import Line, Pen, words
from console.ui.logs.following import Following
from console.ui.logs.rows import time_of_day
from console.ui.modals.dialog import PAPER, Dialog, DialogKeys
from console.ui.paint import Inks
from console.ui.widgets.columns import Cell, Column
from console.ui.widgets.sheet import Sheet
from console.ui.widgets.table import Table
from workers.protocol import STREAM_NAMES

_COLUMNS = (
    Column("time", "TIME", 8),
    Column("source", "LOG", 16, rank=1),
    Column("place", "AT", 11, right=True, rank=2),
    Column("line", "LINE", 30, grow=True),
)
_SHOWN = 2000


class LogMatchList(Dialog[LogLine]):
    """Gives the line that was chosen, or None."""

    keys = (("Enter", "opens the log there"), ("Esc", "leaves"))
    DEFAULT_CSS = """
    LogMatchList > #box { width: 94%; }
    LogMatchList #box Table { height: 1fr; min-height: 3; background: $surface; }
    """

    def __init__(self, following: Following, finder: Finder) -> None:
        super().__init__()
        self.title_text = f"Matches of {finder.wanted.text}"
        self._following = following
        self._all = len(finder.matches)
        newest = reversed(finder.matches.lines[-_SHOWN:])
        self._lines = {str(number): line for number, line in enumerate(newest)}

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Sheet(self.lines, paper=PAPER, fitted=True)
            yield Table(_COLUMNS, self._cells, empty="nothing matches", paper=PAPER)
            yield DialogKeys(self.keys)

    def on_mount(self) -> None:
        table = self.query_one(Table)
        table.show_keys(self._lines)
        table.styles.height = max(2, min(self.size.height - 10, len(self._lines) + 1))

    def first_focus(self) -> Widget:
        return self.query_one(Table)

    def lines(self, pen: Pen) -> list[Line]:
        shown = len(self._lines)
        more = "" if shown == self._all else f"; the newest {count(shown)} are listed"
        return words(pen, f"{count(self._all)} lines, the newest first{more}", pen.inks.dim)

    def _cells(self, row_key: str, inks: Inks) -> Sequence[Cell]:
        line = self._lines[row_key]
        return (
            (time_of_day(int(line.time)), inks.dim),
            (self._following.sources[line.source].tag, inks.text),
            (f"{STREAM_NAMES[line.which]} {size(line.offset)}", inks.dim),
            line.text.strip(),
        )

    def on_table_chosen(self, message: Table.Chosen) -> None:
        self.dismiss(self._lines[message.key])
