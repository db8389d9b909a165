"""The hosts of ~/.ssh/config, to choose from. None is dialled before it is chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget

from console.channels.ssh.hosts import hosts
from console.ui.lines import Line, Pen, words
from console.ui.modals.dialog import PAPER, Dialog, DialogKeys
from console.ui.paint import Inks
from console.ui.widgets.columns import Cell, Column
from console.ui.widgets.sheet import Sheet
from console.ui.widgets.table import Table


class HostPicker(Dialog[tuple[str, ...]]):
    """Gives the chosen names, or None. Hosts that are shown already are left out."""

    title_text = "Hosts in your SSH config"
    keys = (("Space", "picks"), ("Enter", "opens the picked"), ("Esc", "none of them"))
    DEFAULT_CSS = "HostPicker #box Table { height: auto; max-height: 20; background: $surface; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pick", "Pick", show=False),
        Binding("asterisk", "pick_all", "Pick all", show=False),
    ]

    def __init__(self, names: Sequence[str] | None = None) -> None:
        """`names`: what is offered instead of what the SSH config lists."""
        super().__init__()
        self._names = names

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Sheet(self.lines, paper=PAPER, fitted=True)
            yield Table((Column("host", "", 20, grow=True),), self._cells, empty="none", header=False, paper=PAPER)  # fmt: skip
            yield DialogKeys(self.keys)

    def on_mount(self) -> None:
        self.run_worker(self._offer())

    def first_focus(self) -> Widget:
        return self.query_one(Table)

    async def _offer(self) -> None:
        names = self._names
        if names is None:
            names = await asyncio.to_thread(hosts, self.runtime.settings.ssh.config)
        fresh = [name for name in names if name not in self.runtime.store.nodes]
        table = self.query_one(Table)
        table.show_keys(fresh)
        table.styles.height = max(1, min(20, self.size.height - 10, len(fresh)))

    def lines(self, pen: Pen) -> list[Line]:
        said = "These hosts are in your SSH config. Pick those to watch; none is connected to before that."
        return [[], *words(pen, said, pen.inks.text), []]

    def _cells(self, name: str, inks: Inks) -> Sequence[Cell]:
        return (name,)

    def action_pick(self) -> None:
        table = self.query_one(Table)
        if table.current is not None:
            table.mark(table.marked ^ {table.current})
            table.action_move(1)

    def action_pick_all(self) -> None:
        table = self.query_one(Table)
        table.mark(frozenset(table.keys))

    def on_table_chosen(self, message: Table.Chosen) -> None:
        table = self.query_one(Table)
        picked = table.marked or frozenset({message.key})
        self.dismiss(tuple(name for name in table.keys if name in picked))
