"""A table of thousands of rows that costs only what is seen of it.

Rows are keys; a row's cells are asked for when its line is painted and kept until the row is said to
have changed. Columns have fixed widths, so nothing moves while it is read. Cells are text and ink, never
markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.ui.paint import Inks, strip
from console.ui.widgets.columns import Cells, Column, Shown, fit_columns, header_pieces, row_pieces
from console.ui.widgets.painted import Painted


class Table(Painted, ScrollView, can_focus=True):
    """A scrolling table with a cursor, marks and a sort shown in its header."""

    DEFAULT_CSS = """
    Table { width: 1fr; height: 1fr; overflow: hidden auto; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("ctrl+u", "page(-0.5)", "Half page up", show=False),
        Binding("ctrl+d", "page(0.5)", "Half page down", show=False),
        Binding("home,g", "edge(-1)", "First", show=False),
        Binding("end,G", "edge(1)", "Last", show=False),
        Binding("enter", "choose", "Open", show=False),
        Binding("less_than_sign", "sort(-1)", "Sort column left", show=False),
        Binding("greater_than_sign", "sort(1)", "Sort column right", show=False),
        Binding("equals_sign", "reverse", "Reverse the order", show=False),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)

    class Chosen(Message):
        """Enter or a second click on a row."""

        def __init__(self, table: Table, key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> Table:
            return self.table

    class Moved(Chosen):
        """The cursor stands on another row."""

    class SortAsked(Message):
        """A person wants this order; the owner sorts its keys and calls `show_keys`."""

        def __init__(self, table: Table, column: str, descending: bool) -> None:
            super().__init__()
            self.table = table
            self.column = column
            self.descending = descending

        @property
        def control(self) -> Table:
            return self.table

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Cells,
        *,
        empty: str = "nothing here",
        sort: str | None = None,
        descending: bool = False,
        header: bool = True,
        choose: str = "",
        paper: str = "background",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`cells` gives, for a row's key, one cell for each of `columns`, those that do not fit too.

        `choose` is what Enter does here, for the footer.
        """
        super().__init__(id=id, classes=classes)
        self._paper = paper
        self._was_moved = False
        self._fitted_for = 0
        if choose:
            enter = Binding(
                "enter", "choose", choose, show=True, tooltip=f"{choose}: the row under the cursor"
            )
            self._bindings.key_to_bindings["enter"] = [enter]
        self.columns = tuple(columns)
        self.sort_column = sort
        self.sort_descending = descending
        self.empty = empty
        self.marked: frozenset[str] = frozenset()
        self._cells = cells
        self._keys: tuple[str, ...] = ()
        self._places: dict[str, int] = {}
        self._header = 1 if header else 0
        self._strips: dict[tuple[str, bool], Strip] = {}
        self._shown: Shown = ()

    # ------------------------------------------------------------ rows

    @property
    def keys(self) -> tuple[str, ...]:
        return self._keys

    @property
    def current(self) -> str | None:
        """The key under the cursor; None when the table is empty."""
        return self._keys[self.cursor] if self.cursor < len(self._keys) else None

    def show_keys(self, keys: Iterable[str]) -> None:
        """Sets the rows and their order.

        The cursor stays on its key, or on its line if that is gone; on the first line until it is moved.
        """
        current, fresh = self.current, tuple(keys)
        if fresh == self._keys:
            return
        self._keys = fresh
        self._places = {key: place for place, key in enumerate(fresh)}
        place = self._places.get(current, self.cursor) if current is not None else self.cursor
        if not self._was_moved:
            place = 0
        self._measure()
        self.set_reactive(Table.cursor, max(0, min(place, len(fresh) - 1)))
        self._keep_in_sight()
        self.refresh()
        if self.current is not None and self.current != current:
            self.post_message(self.Moved(self, self.current))

    def use_columns(self, columns: Sequence[Column]) -> None:
        """Other widths or ranks of the same columns."""
        self.columns = tuple(columns)
        self._fitted_for = 0
        self.refresh()

    def rows_changed(self, keys: Iterable[str] | None = None) -> None:
        """Paints these rows anew, where they are in sight; all of them without `keys`."""
        if keys is None:
            self._strips.clear()
            self.refresh()
            return
        for key in keys:
            self._strips.pop((key, True), None)
            self._strips.pop((key, False), None)
            place = self._places.get(key)
            if place is not None:
                self._refresh_place(place)

    def select(self, key: str) -> bool:
        """Puts the cursor on `key`; False when there is no such row."""
        place = self._places.get(key)
        if place is None:
            return False
        self.cursor = place
        return True

    def mark(self, keys: frozenset[str]) -> None:
        changed = self.marked ^ keys
        self.marked = keys
        self.rows_changed(changed)

    # ------------------------------------------------------------ movement

    def watch_cursor(self, before: int, now: int) -> None:
        self._was_moved = True
        for place in (before, now):
            self._refresh_place(place)
        self._keep_in_sight()
        if self.current is not None:
            self.post_message(self.Moved(self, self.current))

    def validate_cursor(self, place: int) -> int:
        return max(0, min(place, len(self._keys) - 1))

    def action_move(self, by: int) -> None:
        self.cursor += by

    def action_page(self, pages: float) -> None:
        self.cursor += int(max(1, self._room) * pages)

    def action_edge(self, end: int) -> None:
        self.cursor = 0 if end < 0 else len(self._keys) - 1

    def action_choose(self) -> None:
        if self.current is not None:
            self.post_message(self.Chosen(self, self.current))

    # ------------------------------------------------------------ order

    def action_sort(self, by: int) -> None:
        names = [column.key for column in self.columns if column.title]
        if self.sort_column in names:
            self._ask_sort(names[(names.index(self.sort_column) + by) % len(names)])
        else:
            self._ask_sort(names[0 if by > 0 else -1])

    def action_reverse(self) -> None:
        if self.sort_column is not None:
            self._ask_sort(self.sort_column)

    def _ask_sort(self, key: str) -> None:
        if key == self.sort_column:
            self.sort_descending = not self.sort_descending
        else:
            self.sort_column = key
            self.sort_descending = next(c.descending for c in self.columns if c.key == key)
        self.refresh()
        self.post_message(self.SortAsked(self, key, self.sort_descending))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < self._header:
            self._click_header(offset.x)
            return
        place = self._first + offset.y - self._header
        if place >= len(self._keys):
            return
        if place == self.cursor and event.chain > 1:
            self.action_choose()
        self.cursor = place

    def _click_header(self, x: int) -> None:
        left = 1
        for index, width in self._shown:
            if left <= x <= left + width:
                if self.columns[index].title:
                    self._ask_sort(self.columns[index].key)
                return
            left += width + 1

    # ------------------------------------------------------------ sizes

    @property
    def _first(self) -> int:
        return int(self.scroll_offset.y)

    @property
    def _room(self) -> int:
        return max(0, self.size.height - self._header)

    def on_resize(self) -> None:
        self._measure()
        self._keep_in_sight()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def _measure(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._keys) + self._header)

    def _fit(self, width: int) -> None:
        """Columns for lines of `width` cells, which changes when the scrollbar comes and goes."""
        if width != self._fitted_for:
            self._fitted_for = width
            self._shown = fit_columns(self.columns, width)
            self._strips.clear()

    def _keep_in_sight(self) -> None:
        if self.cursor < self._first:
            self.scroll_to(y=self.cursor, animate=False)
        elif self._room and self.cursor >= self._first + self._room:
            self.scroll_to(y=self.cursor - self._room + 1, animate=False)

    def _refresh_place(self, place: int) -> None:
        line = place - self._first + self._header
        if self._header <= line < self.size.height:
            self.refresh(Region(0, line, self.size.width, 1))

    # ------------------------------------------------------------ paint

    @property
    def inks(self) -> Inks:
        return self.console_app.inks(self._paper)

    def draw_line(self, y: int, width: int) -> Strip:
        self._fit(width)
        if y < self._header:
            return self._draw_header(width)
        place = self._first + y - self._header
        if place >= len(self._keys):
            text = f" {self.empty}" if not self._keys and y == self._header else ""
            return strip([(text, self.inks.dim)], width, self.inks.text)
        key, under = self._keys[place], place == self.cursor
        line = self._strips.get((key, under))
        if line is None or line.cell_length != width:
            line = self._strips[(key, under)] = self._draw_row(key, under, width)
        return line

    def _draw_row(self, key: str, under: bool, width: int) -> Strip:
        inks, marked = self.inks, key in self.marked
        if under:
            inks = inks.on("primary", 0.34 if self.has_focus else 0.16)
        elif marked:
            inks = inks.on("accent", 0.2)
        sign = self.glyphs.cursor if under else self.glyphs.marked if marked else " "
        cells = self._cells(key, inks)
        return strip(row_pieces(self.columns, self._shown, cells, sign, inks), width, inks.text)

    def _draw_header(self, width: int) -> Strip:
        glyphs = self.glyphs
        arrow = glyphs.descending if self.sort_descending else glyphs.ascending
        pieces = header_pieces(self.columns, self._shown, self.sort_column, arrow, self.inks)
        return strip(pieces, width, self.inks.dim)

    def watch_has_focus(self, value: bool) -> None:
        super().watch_has_focus(value)
        self.rows_changed(() if self.current is None else (self.current,))
