"""The Fleet screen: every node at once, as panes while they fit and as a table when they do not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import ContentSwitcher

from console.fleet.filter import Filter, parse
from console.text import one_line
from console.ui.keys import key
from console.ui.messages import CursorMoved
from console.ui.screens.base import FleetAwareScreen
from console.ui.screens.fleet_rows import Group, Order, arranged, matching
from console.ui.widgets.board import Board
from console.ui.widgets.node_columns import COLUMNS
from console.ui.widgets.node_panes import NodePanes
from console.ui.widgets.node_table import NodeTable

_SORTS = tuple(dict.fromkeys(column.sort for column in COLUMNS if column.sort))
_FIRST_DESCENDING = {column.sort: column.descending for column in reversed(COLUMNS)}


class FleetScreen(FleetAwareScreen):
    """Knows the order, the filter, the marks and the cursor; the boards only draw."""

    name_of_screen = "Fleet"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "open", "open", "all about the node", show=True),
        key("space", "mark", "mark", "mark the node; actions then take the marked", show=True),
        key("asterisk", "mark_all", "mark all", "mark all that are shown"),
        key("ctrl+backslash", "unmark", "unmark", "take all marks back"),
        key("v", "switch", "panes/table", "panes or table", show=True),
        key("z", "zoom", "zoom", "one node as large as the screen, and back", show=True),
        key("t", "group", "groups", "groups by tag, or none"),
        Binding("less_than_sign", "sort(-1)", "sort", id="sort_left", show=False,
                tooltip="sort by the column to the left, or not at all"),
        Binding("greater_than_sign", "sort(1)", "sort", id="sort_right", show=True,
                tooltip="sort by the column to the right"),
        key("equals_sign", "reverse", "reverse", "turn the order round"),
        Binding("down,j", "step(1)", "down", id="down", show=False, tooltip="the node below"),
        Binding("up,k", "step(-1)", "up", id="up", show=False, tooltip="the node above"),
        Binding("right", "side(1)", "right", id="right", show=False, tooltip="the pane to the right"),
        Binding("left", "side(-1)", "left", id="left", show=False, tooltip="the pane to the left"),
        Binding("pagedown", "page(1)", "page down", id="page_down", show=False, tooltip="a page down"),
        Binding("pageup", "page(-1)", "page up", id="page_up", show=False, tooltip="a page up"),
        Binding("ctrl+d", "page(0.5)", "half down", id="half_down", show=False, tooltip="half a page down"),
        Binding("ctrl+u", "page(-0.5)", "half up", id="half_up", show=False, tooltip="half a page up"),
        Binding("g,home", "edge(-1)", "first", id="first", show=False, tooltip="the first node"),
        Binding("G,end", "edge(1)", "last", id="last", show=False, tooltip="the last node"),
    ]  # fmt: skip
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self.cursor: str | None = None
        self.marks: frozenset[str] = frozenset()
        self.order = Order()
        self.by_tag = True
        self.zoomed = False
        self.look: str | None = None  # "panes" or "table"; None: panes while they fit
        self._fitting: str | None = None  # the look that fits; None: not known yet
        self._filter: Filter = parse("")
        self._groups: tuple[Group, ...] = ()
        self._known: frozenset[str] = frozenset()

    def compose_body(self) -> ComposeResult:
        self._filter = parse(getattr(self.app, "first_filter", ""))
        wishes = getattr(self.runtime.settings, "ui", None)
        layout = getattr(wishes, "layout", "auto")
        self.look = None if layout == "auto" else layout
        column = getattr(wishes, "sort", None)
        if column in _SORTS:
            self.order = Order(column, _FIRST_DESCENDING.get(column, False))
        with ContentSwitcher(initial="table"):
            panes, table = NodePanes(self.store), NodeTable(self.store)
            panes.id, table.id = "panes", "table"
            yield panes
            yield table

    # ------------------------------------------------------------ what is shown

    @property
    def board(self) -> Board:
        """The look that is on now."""
        return self.query_one(f"#{self.query_one(ContentSwitcher).current}", Board)

    @property
    def shown(self) -> tuple[str, ...]:
        return tuple(name for group in self._groups for name in group.names)

    def fleet_changed(self, names: frozenset[str], alerts_changed: bool) -> None:
        nodes = self.store.nodes
        if self._known != nodes.keys() or (self._filter.tests and (names or alerts_changed)):
            before, same = self._groups, self._known == nodes.keys()
            self._known = frozenset(nodes)
            self._arrange(keep_order=same)
            if not same:
                self._fitting = None
            if self._groups != before:
                self._show()

    def on_resize(self) -> None:
        self._fitting = None
        self.call_after_refresh(self._show)

    def _arrange(self, keep_order: bool = False) -> None:
        """Chooses the nodes and their order. Sorted rows stay where they are until they are sorted again."""
        nodes = matching(self.store.nodes.values(), self._filter, self.store.alerts)
        if keep_order and self.order.column is not None:
            place = {name: index for index, name in enumerate(self.shown)}
            nodes.sort(key=lambda node: place.get(node.name, len(place)))
            self._groups = (Group("", tuple(node.name for node in nodes)),)
        else:
            self._groups = arranged(nodes, self.order, self.store.alerts, self.by_tag)
        self.marks &= frozenset(self.store.nodes)
        shown = self.shown
        if self.cursor not in shown:
            self.cursor = shown[0] if shown else None

    def _show(self) -> None:
        groups = self._groups
        if self.zoomed and self.cursor is not None:
            groups = (Group("", (self.cursor,)),)
        switcher = self.query_one(ContentSwitcher)
        wanted = "panes" if self.zoomed else self.look or self._fitting_look()
        switcher.current = wanted
        board = self.board
        if isinstance(board, NodeTable):
            board.order = self.order
        board.show(groups, self.cursor, self.marks)
        self.refresh_bindings()

    def _fitting_look(self) -> str:
        """Chosen for the size and the whole fleet: it does not flip with a filter or an order."""
        size = self.query_one(ContentSwitcher).size
        if self._fitting is None and size:
            groups = arranged(tuple(self.store.nodes.values()), Order(), (), self.by_tag)
            sizes = [len(group.names) for group in groups]
            fits = self.query_one(NodePanes).fits(size.width, size.height, sizes)
            self._fitting = "panes" if fits else "table"
        return self._fitting or "table"

    def notes(self) -> Iterable[str]:
        if self._filter.text:
            yield one_line(f"/{self._filter.text} {len(self.shown)}/{len(self.store.nodes)}", 40)
        if self.order.column:
            glyphs = self.console_app.glyphs
            sign = glyphs.descending if self.order.descending else glyphs.ascending
            yield f"by {self.order.column}{sign}"
        if self.marks:
            yield f"{len(self.marks)} marked"

    # ------------------------------------------------------------ hooks

    def current_node(self) -> str | None:
        return self.cursor

    def selected_nodes(self) -> tuple[str, ...]:
        return self.marked_nodes() or super().selected_nodes()

    def marked_nodes(self) -> tuple[str, ...]:
        return tuple(name for name in self.store.nodes if name in self.marks)

    def text_to_copy(self) -> str:
        return "\n".join(self.selected_nodes())

    @property
    def filter_text(self) -> str | None:
        return self._filter.text

    def apply_filter(self, text: str) -> None:
        self._filter = parse(text)
        self._arrange()
        self._show()

    def step_back(self) -> bool:
        if self.zoomed:
            self.action_zoom()
            return True
        if self.marks:
            self.action_unmark()
            return True
        return super().step_back()

    # ------------------------------------------------------------ actions

    def on_cursor_moved(self, message: CursorMoved) -> None:
        self.cursor = message.node
        self.refresh_bindings()

    def on_node_table_sort_asked(self, message: NodeTable.SortAsked) -> None:
        self._sort(Order(message.column, message.descending))

    def action_open(self) -> None:
        self.board.open_current()

    def action_step(self, rows: int) -> None:
        self.board.step(rows)

    def action_side(self, columns: int) -> None:
        self.board.side(columns)

    def action_page(self, pages: float) -> None:
        self.board.page(pages)

    def action_edge(self, end: int) -> None:
        self.board.edge(end)

    def action_mark(self) -> None:
        if self.cursor is not None:
            self._mark(self.marks ^ {self.cursor})
            self.board.by_place(self.board.cursor_place + 1)

    def action_mark_all(self) -> None:
        self._mark(frozenset(self.shown))

    def action_unmark(self) -> None:
        self._mark(frozenset())

    def _mark(self, marks: frozenset[str]) -> None:
        self.marks = marks
        self.board.set_marks(marks)
        self.deliver_notes()
        self.refresh_bindings()

    def action_switch(self) -> None:
        self.zoomed = False
        self.look = "table" if isinstance(self.board, NodePanes) else "panes"
        self._show()

    def action_zoom(self) -> None:
        self.zoomed = not self.zoomed
        self._show()

    def action_group(self) -> None:
        self.by_tag = not self.by_tag
        self.order = Order()
        self._arrange()
        self._show()

    def action_sort(self, by: int) -> None:
        """Steps through the columns; before the first and after the last is the settings' order."""
        choices = (None, *_SORTS)
        column = choices[(choices.index(self.order.column) + by) % len(choices)]
        self._sort(Order(column, _FIRST_DESCENDING.get(column, False)))

    def action_reverse(self) -> None:
        self._sort(Order(self.order.column, not self.order.descending))

    def _sort(self, order: Order) -> None:
        self.order = order
        self._arrange()
        self._show()
        self.deliver_notes()
