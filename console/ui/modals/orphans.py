"""Processes no record owns, records whose process is gone, duplicates and stale locks: each with why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget

from console.errors import QuarterdeckError
from console.ui.lines import Line, Pen, words
from console.ui.modals.confirm import ConfirmModal
from console.ui.modals.dialog import PAPER, Dialog, DialogKeys
from console.ui.paint import Inks
from console.ui.widgets.columns import Cell, Column
from console.ui.widgets.sheet import Sheet
from console.ui.widgets.table import Table
from workers.protocol import Orphan

_KINDS = {
    "unrecorded": "no record",
    "dead": "process gone",
    "duplicate": "duplicate",
    "stale_lock": "stale lock",
}
_COLUMNS = (
    Column("kind", "WHAT", 13),
    Column("node", "NODE", 11),
    Column("pid", "PID", 8, right=True),
    Column("name", "WORKER", 13, rank=1),
    Column("what", "PROCESS OR FILE", 20, grow=True),
)
_VERBS = {"adopt": "watches it from now on", "stop": "asks it to end", "kill": "kills it",
          "forget": "removes the record", "clear": "removes the lock file"}  # fmt: skip


class OrphansModal(Dialog[None]):
    """Nothing is done by itself: each act is a key, and what ends a process asks first."""

    title_text = "Orphans"
    DEFAULT_CSS = """
    OrphansModal > #box { width: 120; }
    OrphansModal #box Table { height: 12; background: $surface; }
    OrphansModal #box Sheet { height: 5; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "act('adopt')", "Adopt", show=False),
        Binding("x", "act('stop')", "Stop", show=False),
        Binding("X", "act('kill')", "Kill", show=False),
        Binding("f", "act('forget')", "Forget", show=False),
        Binding("c", "act('clear')", "Clear", show=False),
        Binding("ctrl+r", "look", "Look again", show=False),
    ]
    keys = (("a", "adopt"), ("x X", "stop, kill"), ("f", "forget"), ("c", "clear the lock"),
            ("Ctrl-R", "look again"), ("Esc", "leaves"))  # fmt: skip

    def __init__(self, nodes: Sequence[str]) -> None:
        super().__init__()
        self._where = tuple(nodes)
        self._found: dict[str, tuple[str, Orphan]] = {}
        self._missing: tuple[str, ...] = ()
        self._looking = True

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Table(_COLUMNS, self._cells, empty="looking…", paper=PAPER)
            yield Sheet(self.lines, paper=PAPER)
            yield DialogKeys(self.keys)

    def on_mount(self) -> None:
        self.action_look()

    def first_focus(self) -> Widget:
        return self.query_one(Table)

    def action_look(self) -> None:
        self.run_worker(self._look(), exclusive=True, group="look")

    async def _look(self) -> None:
        """Asks all the nodes; one that does not answer is named, the others are shown."""
        self._looking = True
        reports, silent = await self.runtime.workers.orphans(self._where)
        self._found = {
            f"{node}/{orphan.orphan_id}": (node, orphan)
            for node, report in reports.items()
            for orphan in report.orphans
        }
        told = [f"{node}: {word}" for node, report in reports.items() for word in report.missing]
        self._missing = (*told, *(f"{node}: {why}" for node, why in silent.items()))
        self._looking = False
        if self.is_attached:
            table = self.query_one(Table)
            table.empty = "nothing is orphaned here"
            table.show_keys(self._found)
            table.rows_changed()
            self.redraw()

    # ------------------------------------------------------------ painting

    def _cells(self, row_key: str, inks: Inks) -> Sequence[Cell]:
        found = self._found.get(row_key)
        if found is None:
            return ("",) * len(_COLUMNS)
        node, orphan = found
        return (
            (_KINDS.get(orphan.kind, orphan.kind), inks.warn),
            node,
            ("" if orphan.pid is None else str(orphan.pid), inks.dim),
            orphan.name,
            (orphan.path or orphan.command, inks.text),
        )

    def lines(self, pen: Pen) -> list[Line]:
        found = self._found.get(self.query_one(Table).current or "")
        lines: list[Line] = [[]]
        if found is not None:
            lines += words(pen, found[1].why, pen.inks.text, 1)
            offered = "; ".join(_VERBS[act] for act in found[1].acts if act in _VERBS)
            lines += words(pen, f"it can be done: {offered}" if offered else "", pen.inks.dim, 1)
        for word in self._missing[:3]:
            lines += words(pen, f"not looked at: {word}", pen.inks.warn, 1)
        return lines

    def on_table_moved(self, message: Table.Moved) -> None:
        self.redraw()

    # ------------------------------------------------------------ acting

    def action_act(self, act: str) -> None:
        found = self._found.get(self.query_one(Table).current or "")
        if found is None or self.console_app.read_only:
            return
        node, orphan = found
        if act not in orphan.acts:
            self.complain(f"{act} does not apply here")
            return
        what = f"{act} {orphan.pid or ''} {orphan.path or orphan.command or orphan.name}"
        warning = "" if act in ("adopt", "clear") else orphan.why
        title = f"{act.capitalize()} an orphan"
        modal = ConfirmModal(title, f"{act}s it", [what], [node], warning=warning)

        def go(sure: bool | None) -> None:
            if sure:
                self.run_worker(self._do(node, orphan, act))

        self.app.push_screen(modal, go)

    async def _do(self, node: str, orphan: Orphan, act: str) -> None:
        try:
            if act == "adopt":
                await self.runtime.workers.adopt(node, orphan)
                said = f"{orphan.pid} on {node} is watched from now on"
            else:
                said = await self.runtime.workers.clear(node, orphan, act)
        except QuarterdeckError as error:
            self.complain(str(error))
            return
        self.console_app.say(said or f"{act}: done")
        await self._look()
