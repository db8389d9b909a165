"""A view of a log book that costs only what is seen of it, however many lines come and wherever they go in.

It holds to lines, not to places: lines that come in above, or leave at the top, do not move what is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from console.fleet.logs.book import LogBook
from console.fleet.logs.line import Line
from console.ui.logs.ink import LogInks
from console.ui.logs.rows import RowForm, height, rows
from console.ui.paint import strip
from console.ui.widgets.painted import Painted

_WHEEL_ROWS = 3
_SHIFT = 16
_PAINTED_KEPT = 600


class Place(NamedTuple):
    """A row: the place of its line among all, and its number within the line."""

    line: int
    row: int = 0


class LogView(Painted, can_focus=True):
    """Shows `book`, and `live` below it. Follows the end until somebody goes up."""

    DEFAULT_CSS = "LogView { width: 1fr; height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="log_up", tooltip="the line above; no longer following"),
        Binding("down,j", "move(1)", "down", show=False, id="log_down", tooltip="the line below"),
        Binding("pageup", "page(-1)", "page up", show=False, id="log_page_up", tooltip="a page up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="log_page_down", tooltip="a page down"),
        Binding("ctrl+u", "page(-0.5)", "half up", show=False, id="log_half_up", tooltip="half a page up"),
        Binding("ctrl+d", "page(0.5)", "half down", show=False, id="log_half_down", tooltip="half a page down"),
        Binding("left", "shift(-1)", "left", show=False, id="log_left", tooltip="the text to the left"),
        Binding("right", "shift(1)", "right", show=False, id="log_right", tooltip="the text to the right"),
    ]  # fmt: skip

    class Moved(Message):
        """A person went elsewhere: follow or the cursor changed."""

    class PastTop(Message):
        """A person went up where no line above is at hand."""

    class PastEnd(Message):
        """A person went down where no line below is at hand."""

    def __init__(self) -> None:
        super().__init__()
        self.book = LogBook()
        self.live: tuple[Line, ...] = ()
        self.follow = True
        self.form = RowForm(80)
        self.empty = ""
        self._cursor: Line | None = None
        self._top: Line | None = None
        self._top_row = 0
        self._seen: list[tuple[Line, int]] = []
        self._arranged = False
        self._painted: dict[tuple[int, bool], tuple[Line, list[Strip]]] = {}
        self._painted_for: tuple[RowForm, str] | None = None
        self._inks: dict[tuple[str, bool], LogInks] = {}

    # ------------------------------------------------------------ what is shown

    def show(self, book: LogBook, live: Iterable[Line] = ()) -> None:
        """Shows this book from now on; called again whenever it changed."""
        if book is not self.book:
            self.book, self._cursor, self._top = book, None, None
        self.live = tuple(live)
        self.changed()

    def changed(self) -> None:
        """Something is to be painted."""
        self._arranged = False
        self.refresh()

    def set_form(self, **changes: object) -> None:
        """Changes how rows look: `RowForm`'s fields but the width."""
        from dataclasses import replace

        self.form = replace(self.form, **changes)  # type: ignore[arg-type]
        self.changed()

    @property
    def current(self) -> Line | None:
        """The line under the cursor; while following, the last one."""
        if self.follow or self._cursor is None:
            return self.book.last
        return self._cursor

    @property
    def place_of_cursor(self) -> int:
        """Its place among the lines of the book."""
        return self._place(self.current)

    def go_to(self, line: Line) -> None:
        """Puts the cursor on a line of the book, in the middle of the screen where it was not in sight."""
        self.follow = False
        self._cursor = line
        place = self._place(line)
        if not any(seen is line for seen, _ in self._seen):
            self._set_top(self._walk(Place(place), -(self.size.height // 2)))
        self._tell()

    def go_to_end(self) -> None:
        """Follows from now on."""
        self.follow = True
        self._cursor = self._top = None
        self._tell()

    def go_to_top(self) -> None:
        if not self.book.lines:
            return
        if not self.follow and self._cursor is self.book.lines[0]:
            self.post_message(self.PastTop())
        self.follow = False
        self._cursor = self.book.lines[0]
        self._set_top(Place(0))
        self._tell()

    def hold(self) -> None:
        """Follows no more; what is seen stays."""
        if self.follow and self.book.lines:
            self._arrange()
            self._cursor = self.book.last
            self._set_top(self._first_seen())
            self.follow = False
            self._tell()

    # ------------------------------------------------------------ movement

    def action_move(self, by: int) -> None:
        if not self.book.lines or (self.follow and by > 0):
            return
        self.hold()
        place = self._place(self._cursor) + by
        if place < 0:
            self.post_message(self.PastTop())
        elif place >= len(self.book):
            self.post_message(self.PastEnd())
        self._cursor = self.book.lines[max(0, min(place, len(self.book) - 1))]
        self._keep_in_sight()
        self._tell()

    def action_page(self, pages: float) -> None:
        count = int(self.size.height * pages)
        if not self.book.lines or (self.follow and count > 0):
            return
        self.hold()
        top = self._first_seen()
        self._set_top(self._walk(top, count))
        if self._first_seen() == top:  # no way further: the cursor goes to the edge
            self._at_edge(count)
        else:
            self._cursor = self.book.lines[self._moved_by_rows(self._place(self._cursor), count)]
        self._keep_in_sight()
        self._tell()

    def action_shift(self, by: int) -> None:
        if not self.form.wrap:
            self.set_form(shift=max(0, min(self.form.shift + by * _SHIFT, 16_384)))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._roll(-_WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._roll(_WHEEL_ROWS)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or not self.book.lines:
            return
        if offset.x >= self.size.width - 1:
            self.hold()
            self._set_top(Place(len(self.book) * offset.y // max(1, self.size.height)))
            self._cursor = self._top
        elif offset.y < len(self._seen):
            line = self._seen[offset.y][0]
            self.hold()
            self._cursor = line if line not in self.live else self.book.last
        self._tell()

    def _roll(self, by: int) -> None:
        if not self.book.lines or (self.follow and by > 0):
            return
        self.hold()
        before = self._first_seen()
        self._set_top(self._walk(before, by))
        if before == self._first_seen():
            self.post_message(self.PastTop() if by < 0 else self.PastEnd())
        self._pull_cursor()
        self._tell()

    def _at_edge(self, by: int) -> None:
        edge = self.book.lines[0 if by < 0 else -1]
        if self._cursor is edge:
            self.post_message(self.PastTop() if by < 0 else self.PastEnd())
        self._cursor = edge

    def _moved_by_rows(self, place: int, by: int) -> int:
        return min(self._walk(Place(place), by).line, len(self.book) - 1)

    def _pull_cursor(self) -> None:
        """The cursor stays among what is seen."""
        self._arrange()
        seen = [line for line, _ in self._seen if line not in self.live]
        if seen and not any(line is self._cursor for line in seen):
            above = self._place(self._cursor) < self._place(seen[0])
            self._cursor = seen[0] if above else seen[-1]

    def _keep_in_sight(self) -> None:
        place, first = self._place(self._cursor), self._first_seen()
        if place <= first.line:
            self._set_top(Place(place))
            return
        rows_of_it = height(self._cursor, self._sized()) if self._cursor else 1
        lowest = self._walk(Place(place), -max(0, self.size.height - rows_of_it))
        if lowest > first:
            self._set_top(lowest)

    def _tell(self) -> None:
        self.changed()
        self.post_message(self.Moved())

    # ------------------------------------------------------------ places

    def _place(self, line: Line | None) -> int:
        """Of a line of the book, or of where it stood before it left."""
        if line is None:
            return max(0, len(self.book) - 1)
        found = self.book.place_of(line)
        if found is None:
            found = max(0, self.book.place_after(line.at) - 1)
        return found

    def _line(self, place: int) -> Line | None:
        if place < len(self.book.lines):
            return self.book.lines[place]
        place -= len(self.book.lines)
        return self.live[place] if place < len(self.live) else None

    def _first_seen(self) -> Place:
        self._arrange()
        if not self._seen:
            return Place(0)
        line, row = self._seen[0]
        return Place(self._place(line), row)

    def _set_top(self, place: Place) -> None:
        line = self._line(min(place.line, max(0, len(self.book) - 1)))
        self._top, self._top_row = line, place.row
        self._arranged = False

    def _walk(self, start: Place, by: int) -> Place:
        """The row so many rows further down, or up where `by` is below 0; the first or last one at the ends."""
        form, (place, row) = self._sized(), start
        row += by
        while row < 0 and place > 0:
            place -= 1
            above = self._line(place)
            row += height(above, form) if above else 1
        if row < 0:
            return Place(0)
        last = len(self.book) + len(self.live) - 1
        while place < last:
            line = self._line(place)
            tall = height(line, form) if line else 1
            if row < tall:
                break
            row, place = row - tall, place + 1
        return Place(place, 0 if place >= last else row)

    def _sized(self) -> RowForm:
        """The form at the width there is; the last column is the scrollbar's."""
        width = max(20, self.size.width - 1)
        if self.form.width != width:
            self.set_form(width=width)
        return self.form

    # ------------------------------------------------------------ paint

    def _arrange(self) -> None:
        """Which rows are seen, from the top one on; a screen that is not full begins higher."""
        if self._arranged:
            return
        tall = self.size.height
        self._sized()
        self._arranged = True
        if self.follow or self._top is None:
            self._seen = self._up_from_end(tall)
            return
        top = Place(self._place(self._top), self._top_row)
        self._seen = self._down_from(top, tall)
        if len(self._seen) < tall:
            self._seen = self._up_from_end(tall)

    def _down_from(self, start: Place, tall: int) -> list[tuple[Line, int]]:
        found: list[tuple[Line, int]] = []
        place, row = start
        while len(found) < tall:
            line = self._line(place)
            if line is None:
                break
            found += [(line, number) for number in range(row, height(line, self.form))]
            place, row = place + 1, 0
        return found[:tall]

    def _up_from_end(self, tall: int) -> list[tuple[Line, int]]:
        found: list[tuple[Line, int]] = []
        place = len(self.book) + len(self.live)
        while len(found) < tall and place > 0:
            place -= 1
            line = self._line(place)
            if line is not None:
                found[:0] = [(line, number) for number in range(height(line, self.form))]
        return found[-tall:] if tall else []

    def on_resize(self) -> None:
        self.changed()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painted.clear()
        self._inks.clear()

    def draw_line(self, y: int, width: int) -> Strip:
        self._arrange()
        plain = self.inks
        if y >= len(self._seen):
            text = f" {self.empty}" if y == 1 and not self._seen else ""
            return strip([(text, plain.dim)], width, plain.text)
        line, row = self._seen[y]
        under = not self.follow and line is self._cursor
        painted = self._rows_of(line, under)
        return Strip.join([painted[min(row, len(painted) - 1)], self._bar(y)])

    def _rows_of(self, line: Line, under: bool) -> list[Strip]:
        drawn_for = (self.form, self.console_app.theme)
        if self._painted_for != drawn_for or len(self._painted) > _PAINTED_KEPT:
            self._painted.clear()
            self._painted_for = drawn_for
        known = self._painted.get((id(line), under))
        if known is None or known[0] is not line:
            known = line, rows(line, self.form, self._log_inks(under), self.glyphs)
            self._painted[(id(line), under)] = known
        return known[1]

    def _log_inks(self, under: bool) -> LogInks:
        key = (self.console_app.theme, under)
        if key not in self._inks:
            app = self.console_app
            share = 0.30 if self.has_focus else 0.16
            inks = app.inks(self.paper, "primary", share) if under else app.inks(self.paper)
            self._inks[key] = LogInks(inks)
        return self._inks[key]

    def _bar(self, y: int) -> Strip:
        """Where in the book the screen stands, drawn as a line with a thicker stretch."""
        total, tall = len(self.book) + len(self.live), self.size.height
        plain = self.inks
        if total <= len({id(line) for line, _ in self._seen}):
            return Strip([Segment(" ", plain.text)])
        first = total if self.follow else self._place(self._seen[0][0])
        size = max(1, tall * tall // total)
        begin = min(tall - size, first * tall // total)
        if begin <= y < begin + size:
            return Strip([Segment(self.glyphs.blocks[-1], plain.border)])
        return Strip([Segment(self.glyphs.upright, plain.faint)])

    def watch_has_focus(self, value: bool) -> None:
        super().watch_has_focus(value)
        self._inks.clear()
        self._painted.clear()
        self.refresh()
