"""Processes no record owns, records whose process is gone, duplicates and stale locks: each with why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
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
    Column("kind", "WHAT", 12),
    Column("node", "NODE", 9, most=14),
    Column("pid", "PID", 8, right=True),
    Column("name", "WORKER", 13, most=20, rank=1),
    Column("what", "PROCESS OR FILE", 20, grow=True),
)
_KEYS = (("a", "adopt"), ("x", "stop"), ("X", "kill"), ("f", "forget"), ("c", "clear"))
_VERBS = {
    "adopt": "watches it from now on",
    "stop": "asks it to end",
    "kill": "kills it at once",
    "forget": "removes the record",
    "clear": "removes the lock file",
}
_ASKS = {
    "stop": "It is asked to end. Whatever it works on ends with it.",
    "kill": "It is ended at once: nothing is saved, nothing cleaned up.",
    "forget": "The record and its logs are removed.",
}


class OrphansModal(Dialog[None]):
    """Nothing is done by itself: each act is a key, and what ends or removes something asks first."""

    DEFAULT_CSS = """
    OrphansModal > #box { width: 130; }
    OrphansModal #box Table { height: auto; max-height: 60%; min-height: 4; background: $surface; }
    OrphansModal #box Sheet { height: 7; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"act('{act}')", act, show=False) for key, act in _KEYS),
        Binding("tab", "widen", "Fleet", show=False),
        Binding("ctrl+r", "look", "Look again", show=False),
    ]

    def __init__(self, nodes: Sequence[str]) -> None:
        super().__init__()
        self._first = tuple(nodes)
        self._wide = False
        self._found: dict[str, tuple[str, Orphan]] = {}
        self._missing: tuple[str, ...] = ()
        self._looking = True

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Table(_COLUMNS, self._cells, empty="looking…", paper=PAPER)
            sheet = Sheet(self.lines, paper=PAPER)
            sheet.can_focus = False
            yield sheet
            yield DialogKeys(self.keys)

    def on_mount(self) -> None:
        self.action_look()

    def first_focus(self) -> Widget:
        return self.query_one(Table)

    def _give_room(self) -> None:
        """The rows scroll where the box would not fit."""
        rows = max(3, len(self._found)) + 1
        room = self.size.height * 94 // 100 - 11
        self.query_one(Table).styles.height = max(4, min(rows, room))

    # ------------------------------------------------------------ looking

    @property
    def _where(self) -> tuple[str, ...]:
        return tuple(self.runtime.store.nodes) if self._wide else self._first

    @property
    def title_text(self) -> str:  # type: ignore[override]
        where = self._where
        return f"Orphans on {where[0] if len(where) == 1 else f'{len(where)} nodes'}"

    def action_widen(self) -> None:
        """All nodes, or those that the dialog was opened for."""
        if len(self._first) < len(self.runtime.store.nodes):
            self._wide = not self._wide
            self.action_look()

    def action_look(self) -> None:
        where = self._where
        self.query_one("#box").border_title = Content(self.title_text)
        self._looking = True
        self._say_keys()
        self.redraw()
        self.run_worker(self._look(where), exclusive=True, group="look")

    async def _look(self, where: Sequence[str]) -> None:
        """Asks all the nodes; one that does not answer is named, the others are shown."""
        reports, silent = await self.runtime.workers.orphans(where)
        self._found = {
            f"{node}/{orphan.orphan_id}": (node, orphan)
            for node, report in reports.items()
            for orphan in report.orphans
        }
        told = [f"{node}: {word}" for node, report in reports.items() for word in report.missing]
        self._missing = (*told, *(f"{node}: {why}" for node, why in silent.items()))
        self._looking = False
        for table in self.query(Table):
            self._show(table)

    def _show(self, table: Table) -> None:
        table.empty = "nothing is orphaned here"
        table.show_keys(self._found)
        table.rows_changed()
        self._give_room()
        self._say_keys()
        self.redraw()

    # ------------------------------------------------------------ painting

    @property
    def _current(self) -> tuple[str, Orphan] | None:
        return self._found.get(self.query_one(Table).current or "")

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
        found, inks = self._current, pen.inks
        lines: list[Line] = [[]]
        if self._looking:
            lines.append([(" asking the nodes…", inks.dim)])
        elif found is not None:
            orphan = found[1]
            lines += words(pen, orphan.why, inks.text, 1)[:2]
            user = f"{orphan.user}: " if orphan.user else ""
            lines += words(pen, f"{user}{orphan.command or orphan.path}", inks.dim, 1)[:1]
            acts = [f"{key} {_VERBS[act]}" for key, act in _KEYS if act in orphan.acts]
            lines += words(pen, "; ".join(acts), inks.dim, 1)[:1]
        if self._missing:
            more = f"; and {len(self._missing) - 1} more" if len(self._missing) > 1 else ""
            said = f"not looked at: {self._missing[0]}{more}"
            lines += words(pen, said, inks.warn, 1)[:2]
        return lines

    def on_table_moved(self, message: Table.Moved) -> None:
        self._say_keys()
        self.redraw()

    def _say_keys(self) -> None:
        """Only the acts that apply to the row."""
        found, keys = self._current, []
        if found is not None and not self.console_app.read_only:
            keys = [(key, act) for key, act in _KEYS if act in found[1].acts]
        if len(self._first) < len(self.runtime.store.nodes):
            keys.append(("Tab", "fewer nodes" if self._wide else "the fleet"))
        self.show_keys(*keys, ("Ctrl-R", "again"), ("Esc", "leaves"))

    # ------------------------------------------------------------ acting

    def action_act(self, act: str) -> None:
        found = self._current
        if found is None or self.console_app.read_only or self._looking:
            return
        node, orphan = found
        if act not in orphan.acts:
            self.complain(f"{act}: not for this")
        elif act in _ASKS:
            self._ask(node, orphan, act)
        else:
            self._begin(node, orphan, act)

    def _ask(self, node: str, orphan: Orphan, act: str) -> None:
        what = f"{act} {orphan.pid or ''} {orphan.command or orphan.path or orphan.name}"
        modal = ConfirmModal(f"{act.capitalize()} an orphan", _VERBS[act], [what, orphan.why], [node], warning=_ASKS[act])  # fmt: skip

        def go(sure: bool | None) -> None:
            if sure:
                self._begin(node, orphan, act)

        self.app.push_screen(modal, go)

    def _begin(self, node: str, orphan: Orphan, act: str) -> None:
        # The app's own: what was asked for goes on without this dialog.
        self.app.run_worker(self._do(node, orphan, act), group="acts")

    async def _do(self, node: str, orphan: Orphan, act: str) -> None:
        app, workers = self.console_app, self.runtime.workers
        try:
            if act == "adopt":
                record = await workers.adopt(node, orphan)
                said = f"{orphan.pid} on {node} is watched from now on, as {record.name}"
            else:
                said = await workers.clear(node, orphan, act) or f"{act}: done"
        except QuarterdeckError as error:
            app.say(f"{act} on {node}: {error}", bad=True)
            return
        app.say(said)
        if self.is_attached:
            self.action_look()
