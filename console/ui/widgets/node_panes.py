"""The fleet as panes: all that is worth knowing of a node at one look, side by side."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual.geometry import Region
from textual.strip import Strip

from console.fleet.store import FleetStore
from console.ui.node_view import NodeView
from console.ui.paint import Inks, strip
from console.ui.screens.fleet_rows import Group
from console.ui.widgets.board import Board
from console.ui.widgets.heading import heading
from console.ui.widgets.pane import draw_pane
from console.ui.widgets.pane_grid import Grid, Place, arrange, scrolling


class NodePanes(Board):
    """Panes fill the room there is; they scroll only when somebody insists on panes that do not fit."""

    DEFAULT_CSS = "NodePanes { height: 1fr; overflow: hidden auto; scrollbar-size-vertical: 1; }"

    def __init__(self, store: FleetStore) -> None:
        super().__init__(store)
        self._grid: Grid | None = None
        self._places: dict[str, Place] = {}
        self._lines: dict[int, list[str]] = {}  # line: the names of the panes on it, left to right
        self._headings: dict[int, Group] = {}

    def fits(self, width: int, height: int, sizes: list[int]) -> bool:
        """Whether that many panes could be shown without scrolling."""
        return arrange(width, height, sizes, len(sizes) > 1) is not None

    def lay_out(self) -> None:
        sizes = [len(group.names) for group in self.groups]
        headed = len(sizes) > 1
        width, height = self.size
        grid = arrange(width, height, sizes, headed)
        if grid is None:
            grid = scrolling(max(1, width - 1), sizes, headed)
        self._grid = grid
        self._places = {}
        self._lines = {}
        for group, places in zip(self.groups, grid.places, strict=True):
            for name, place in zip(group.names, places, strict=True):
                self._places[name] = place
                for y in range(place.y, place.y + place.height):
                    self._lines.setdefault(y, []).append(name)
        self._headings = dict(zip(grid.headings, self.groups, strict=False))
        self.measured(grid.height)

    # ------------------------------------------------------------ moving

    def step(self, rows: int) -> None:
        """To the pane above or below, in the same column where there is one."""
        here = self._places.get(self.cursor or "")
        if here is None:
            self.by_place(0)
            return
        lines = sorted({place.y for place in self._places.values()})
        target = lines[max(0, min(len(lines) - 1, lines.index(here.y) + rows))]
        row = [name for name, place in self._places.items() if place.y == target]
        self.move_cursor(min(row, key=lambda name: abs(self._places[name].x - here.x)))

    def side(self, columns: int) -> None:
        self.by_place(self.cursor_place + columns)

    def page(self, pages: float) -> None:
        each = next(iter(self._places.values())).height if self._places else 1
        rows = max(1, int(self.size.height / max(1, each) * abs(pages)))
        self.step(rows if pages > 0 else -rows)

    def on_click(self, event: events.Click) -> None:
        y = event.y + int(self.scroll_offset.y)
        for name, place in self._places.items():
            if place.x <= event.x < place.x + place.width and place.y <= y < place.y + place.height:
                if event.chain > 1 and name == self.cursor:
                    self.open_current()
                self.move_cursor(name)
                return

    # ------------------------------------------------------------ drawing

    @property
    def _in_sight(self) -> Iterable[str]:
        top = int(self.scroll_offset.y)
        bottom = top + self.size.height
        return [n for n, p in self._places.items() if p.y < bottom and p.y + p.height > top]

    def region_of(self, name: str) -> Region | None:
        place = self._places.get(name)
        return Region(*place) if place else None

    def draw_node(self, view: NodeView, inks: Inks) -> list[Strip]:
        place = self._places[view.name]
        return draw_pane(
            view,
            place.width,
            place.height,
            inks,
            self.glyphs,
            current=view.name == self.cursor,
            marked=view.name in self.marks,
        )

    def draw_line(self, y: int, width: int) -> Strip:
        line = y + int(self.scroll_offset.y)
        if self._grid is None or not self.names:
            return strip(
                [(" no node matches" if y == 1 else "", self.inks.dim)], width, self.inks.text
            )
        if line in self._headings:
            return heading(self._headings[line], self.store, width, self.inks, self.glyphs)
        parts: list[Strip] = []
        for name in self._lines.get(line, ()):
            strips = self.strips_of(name)
            place = line - self._places[name].y
            if place < len(strips):
                parts.append(strips[place])
        whole = Strip.join(parts)
        rest = width - whole.cell_length
        return (
            Strip.join([whole, strip([], rest, self.inks.text)])
            if rest > 0
            else whole.crop(0, width)
        )
