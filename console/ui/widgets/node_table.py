"""The fleet as a table: one row a node, a thousand without a stutter."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from console.fleet.store import FleetStore
from console.ui.lines import length
from console.ui.node_view import NodeView
from console.ui.paint import Inks, Piece, fit, strip
from console.ui.screens.fleet_rows import Group, Order
from console.ui.widgets.board import Board
from console.ui.widgets.heading import heading
from console.ui.widgets.node_columns import Column, fitting

_MARGIN = 4  # cursor, mark, state glyph, blank
_SHORTEST_NAME, _LONGEST_NAME = 8, 24


class NodeTable(Board):
    """Draws rows as they come into sight and keeps them until the node changes."""

    DEFAULT_CSS = "NodeTable { height: 1fr; overflow: hidden auto; scrollbar-size-vertical: 1; }"

    class SortAsked(Message):
        """A click on a header."""

        def __init__(self, column: str, descending: bool) -> None:
            super().__init__()
            self.column = column
            self.descending = descending

    def __init__(self, store: FleetStore) -> None:
        super().__init__(store)
        self.order = Order()
        self.columns: tuple[Column, ...] = ()
        self._rows: list[str | Group] = []
        self._row_of: dict[str, int] = {}

    @property
    def head_lines(self) -> int:
        return 1

    def lay_out(self) -> None:
        self._rows = []
        for group in self.groups:
            if group.title:
                self._rows.append(group)
            self._rows += group.names
        self._row_of = {row: i for i, row in enumerate(self._rows) if isinstance(row, str)}
        self._choose_columns()
        self.measured(len(self._rows))

    def _choose_columns(self) -> None:
        scrolls = len(self._rows) + 1 > self.size.height
        width = (
            self.size.width - _MARGIN - (1 if scrolls and not self.show_vertical_scrollbar else 0)
        )
        nodes = self.store.nodes
        longest = max((len(name) for name in nodes), default=_SHORTEST_NAME)
        gpus = max((len(node.gpu.gpus) for node in nodes.values()), default=0)
        gpus = max(gpus, any(node.gpu.fault for node in nodes.values()))
        limit = _LONGEST_NAME if width >= 110 else 14
        wanted = getattr(getattr(self.console_app.runtime.settings, "ui", None), "columns", ())
        self.columns = fitting(width, max(_SHORTEST_NAME, min(limit, longest)), gpus, wanted)

    def fleet_changed(self, names: frozenset[str], alerts_changed: bool) -> None:
        before = self.columns
        if names and self.display:
            self._choose_columns()
            if self.columns != before:
                self.forget_drawn()
        super().fleet_changed(names, alerts_changed)

    # ------------------------------------------------------------ moving

    def step(self, rows: int) -> None:
        self.by_place(self.cursor_place + rows)

    def page(self, pages: float) -> None:
        self.by_place(self.cursor_place + int(max(1, self.size.height - 1) * pages))

    def on_click(self, event: events.Click) -> None:
        if event.y == 0:
            self._click_header(event.x)
            return
        row = event.y - 1 + int(self.scroll_offset.y)
        name = self._rows[row] if row < len(self._rows) else None
        if isinstance(name, str):
            if event.chain > 1 and name == self.cursor:
                self.open_current()
            self.move_cursor(name)

    def _click_header(self, x: int) -> None:
        left = _MARGIN
        for column in self.columns:
            if left <= x <= left + column.width and column.sort:
                again = self.order.column == column.sort
                down = not self.order.descending if again else column.descending
                self.post_message(self.SortAsked(column.sort, down))
                return
            left += column.width + 1

    # ------------------------------------------------------------ drawing

    @property
    def _in_sight(self) -> Iterable[str]:
        top = int(self.scroll_offset.y)
        shown = self._rows[top : top + max(0, self.size.height - 1)]
        return [row for row in shown if isinstance(row, str)]

    def region_of(self, name: str) -> Region | None:
        row = self._row_of.get(name)
        return None if row is None else Region(0, row, self.size.width, 1)

    def _inks_of(self, name: str) -> Inks:
        if name == self.cursor:
            return self.console_app.inks(self.paper, "primary", 0.30)
        if name in self.marks:
            return self.console_app.inks(self.paper, "accent", 0.16)
        return self.inks

    def draw_node(self, view: NodeView, inks: Inks) -> list[Strip]:
        glyphs, width = self.glyphs, self.size.width
        pieces: list[Piece] = [
            (glyphs.cursor if view.name == self.cursor else " ", inks.accent),
            (glyphs.marked if view.name in self.marks else " ", inks.accent),
            (glyphs.state(view.state) + " ", inks.state(view.state)),
        ]
        if view.sighted:
            for column in self.columns:
                pieces += [*column.draw(view, column.width, inks, glyphs), (" ", inks.text)]
        else:
            pieces += self._reason(view, width, inks)
        return [strip(pieces, width, inks.text)]

    def _reason(self, view: NodeView, width: int, inks: Inks) -> list[Piece]:
        """Why there is no link, across the columns that have nothing to show."""
        name, age = self.columns[0], self.columns[-1]
        head: list[Piece] = [*name.draw(view, name.width, inks, self.glyphs), (" ", inks.text)]
        word = view.state if view.state not in view.trouble else ""
        said = f"{word}: {view.trouble}" if word else view.trouble
        room = width - _MARGIN - length(head) - age.width - 1 - (width - self._used)
        return [
            *head,
            (fit(said, max(0, room)), inks.state(view.state)),
            (" ", inks.text),
            *age.draw(view, age.width, inks, self.glyphs),
        ]

    @property
    def _used(self) -> int:
        return _MARGIN + sum(column.width + 1 for column in self.columns) - 1

    def draw_line(self, y: int, width: int) -> Strip:
        if y == 0:
            return self._header(width)
        row = y - 1 + int(self.scroll_offset.y)
        if row >= len(self._rows):
            text = " no node matches" if not self._rows and y == 2 else ""
            return strip([(text, self.inks.dim)], width, self.inks.text)
        name = self._rows[row]
        if isinstance(name, Group):
            return heading(name, self.store, width, self.inks, self.glyphs)
        strips = self.strips_of(name)
        return strips[0] if strips else strip([], width, self.inks.text)

    def _header(self, width: int) -> Strip:
        inks = self.console_app.inks("surface")
        pieces: list[Piece] = [(" " * _MARGIN, inks.dim)]
        sorted_by = self.order.column
        for column in self.columns:
            title, style = column.title, inks.dim
            if column.sort and column.sort == sorted_by and title:
                sign = self.glyphs.descending if self.order.descending else self.glyphs.ascending
                title, style = f"{title[: column.width - 1]}{sign}", inks.key
            pieces += [(fit(title, column.width, column.right), style), (" ", inks.dim)]
        return strip(pieces, width, inks.dim)
