"""What the fleet's two looks, panes and table, have in common: the rows, the cursor and the marks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.fleet.store import FleetStore
from console.ui.messages import CursorMoved, NodeOpened
from console.ui.node_view import NodeView
from console.ui.paint import Inks
from console.ui.screens.fleet_rows import Group
from console.ui.widgets.painted import Painted

AGE_S = 1.5  # how often a node without news is drawn again for its age; above the usual interval


class Drawn(NamedTuple):
    """A node as it was drawn last."""

    at: float  # the store's time
    strips: list[Strip]


class Board(Painted, ScrollView, can_focus=True):
    """A scrolling view of nodes. Draws only what is in sight, and only what changed."""

    def __init__(self, store: FleetStore) -> None:
        super().__init__()
        self.store = store
        self.groups: tuple[Group, ...] = ()
        self.names: tuple[str, ...] = ()
        self.cursor: str | None = None
        self.marks: frozenset[str] = frozenset()
        self._drawn: dict[str, Drawn] = {}
        self._laid_out = Size(0, 0)  # the size the places are for
        self._ups: tuple[int, ...] = ()  # nodes up in each group, as its heading says

    # ------------------------------------------------------------ what is shown

    def show(self, groups: tuple[Group, ...], cursor: str | None, marks: frozenset[str]) -> None:
        """Sets everything; the cursor is brought into sight."""
        self.groups = groups
        self.names = tuple(name for group in groups for name in group.names)
        self.marks = marks
        self.cursor = cursor
        self._fit_size()
        self.keep_in_sight()
        self.refresh()

    def move_cursor(self, name: str) -> None:
        """Paints the two nodes concerned and says so."""
        before, self.cursor = self.cursor, name
        if before == name:
            return
        for node in (before, name):
            if node is not None:
                self.draw_again(node)
        self.keep_in_sight()
        self.post_message(CursorMoved(name))

    def set_marks(self, marks: frozenset[str]) -> None:
        changed = self.marks ^ marks
        self.marks = marks
        for name in changed:
            self.draw_again(name)

    def fleet_changed(self, names: frozenset[str], alerts_changed: bool) -> None:
        """Draws what is in sight and changed, or whose age did."""
        if not self.display:
            self._drawn.clear()
            return
        sight = list(self._in_sight)
        for name in names.difference(sight):
            self._drawn.pop(name, None)
        for name in sight:
            drawn = self._drawn.get(name)
            old = drawn is None or self.store.now - drawn.at >= AGE_S
            if name in names or alerts_changed or old:
                self._draw_if_different(name, drawn)
        ups = tuple(self._up_in(group) for group in self.groups)
        if ups != self._ups:
            self._ups = ups
            self.refresh()  # the headings count them

    def _up_in(self, group: Group) -> int:
        nodes = self.store.nodes
        return sum(name in nodes and nodes[name].state == "up" for name in group.names)

    def draw_again(self, name: str) -> None:
        self._drawn.pop(name, None)
        self.paint_node(name)

    def forget_drawn(self) -> None:
        """Everything looks different now: theme, size."""
        self._drawn.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn.clear()

    def on_resize(self) -> None:
        self._fit_size()
        self.keep_in_sight()

    def render_line(self, y: int) -> Strip:
        if self.size != self._laid_out:
            self._fit_size()
        return super().render_line(y)

    def _fit_size(self) -> None:
        self._drawn.clear()
        self._laid_out = self.size
        self.lay_out()

    # ------------------------------------------------------------ moving

    def step(self, rows: int) -> None:
        """The cursor `rows` down, or up where negative."""
        raise NotImplementedError

    def page(self, pages: float) -> None:
        """The cursor that many pages down."""
        raise NotImplementedError

    def side(self, columns: int) -> None:
        """The cursor that many columns to the right; nothing where there is one column."""

    def edge(self, end: int) -> None:
        """To the first (-1) or last (1) node."""
        if self.names:
            self.move_cursor(self.names[0 if end < 0 else -1])

    def by_place(self, place: int) -> None:
        """The cursor on the node of that number, or the nearest there is."""
        if self.names:
            self.move_cursor(self.names[max(0, min(len(self.names) - 1, place))])

    @property
    def cursor_place(self) -> int:
        try:
            return self.names.index(self.cursor) if self.cursor is not None else 0
        except ValueError:
            return 0

    def open_current(self) -> None:
        if self.cursor is not None:
            self.post_message(NodeOpened(self.cursor))

    # ------------------------------------------------------------ for the looks

    def lay_out(self) -> None:
        """Sets places and `virtual_size` for the names and the size there are."""
        raise NotImplementedError

    def draw_node(self, view: NodeView, inks: Inks) -> list[Strip]:
        """The node's lines."""
        raise NotImplementedError

    def region_of(self, name: str) -> Region | None:
        """Where the node stands in the whole scrolled picture."""
        raise NotImplementedError

    @property
    def head_lines(self) -> int:
        """Lines at the top that do not scroll."""
        return 0

    @property
    def _in_sight(self) -> Iterable[str]:
        raise NotImplementedError

    def strips_of(self, name: str) -> list[Strip]:
        """The node's lines, drawn now or before; empty for one that has gone."""
        drawn = self._drawn.get(name)
        if drawn is None:
            drawn = self._draw(name)
        return drawn.strips if drawn else []

    def paint_node(self, name: str) -> None:
        """Has the node's part of the screen painted."""
        region = self.region_of(name)
        if region is not None:
            self.refresh(region.translate((0, self.head_lines - int(self.scroll_offset.y))))

    def keep_in_sight(self) -> None:
        region = self.region_of(self.cursor) if self.cursor else None
        room = self.size.height - self.head_lines
        if region is None or room <= 0:
            return
        top = int(self.scroll_offset.y)
        if region.y < top or region.height >= room:
            self.scroll_to(y=0 if region.y <= 1 else region.y, animate=False, immediate=True)
        elif region.bottom > top + room:
            self.scroll_to(y=region.bottom - room, animate=False, immediate=True)

    def measured(self, height: int) -> None:
        """The whole picture is so high."""
        self.virtual_size = Size(self.size.width, height + self.head_lines)

    def _draw_if_different(self, name: str, before: Drawn | None) -> None:
        after = self._draw(name)
        if after is not None and (before is None or before.strips != after.strips):
            self.paint_node(name)

    def _draw(self, name: str) -> Drawn | None:
        if name not in self.store.nodes:
            return None
        view = NodeView(self.store, name)
        drawn = Drawn(self.store.now, self.draw_node(view, self._inks_of(name)))
        self._drawn[name] = drawn
        return drawn

    def _inks_of(self, name: str) -> Inks:
        return self.inks
