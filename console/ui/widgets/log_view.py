"""A view of log lines that costs only what is seen of them, however many come and wherever they go in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from console.fleet.logs.book import LogBook
from console.fleet.logs.line import Line
from console.ui.logs.ink import LogInks
from console.ui.logs.rows import RowForm, rows
from console.ui.logs.window import END, TOP, LogWindow
from console.ui.paint import strip
from console.ui.widgets.painted import Painted

_WHEEL_ROWS = 3
_SHIFT = 16
_MOST_SHIFT = 16_384
_PAINTED_KEPT = 600
_LEAST_WIDTH = 20


class LogView(Painted, can_focus=True):
    """Shows a book and the live lines below it. Follows the end until somebody goes up."""

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
        self.empty = ""
        self._window = LogWindow()
        self._painted: dict[tuple[int, bool], tuple[Line, list[Strip]]] = {}
        self._painted_for: tuple[RowForm, str] | None = None
        self._inks: dict[bool, LogInks] = {}

    # ------------------------------------------------------------ what is shown

    @property
    def book(self) -> LogBook:
        return self._window.book

    @property
    def form(self) -> RowForm:
        return self._window.form

    @property
    def follow(self) -> bool:
        return self._window.follow

    @property
    def current(self) -> Line | None:
        """The line under the cursor; while following, the last one."""
        return self._window.current

    @property
    def place_of_cursor(self) -> int:
        """Its place among the lines of the book."""
        return self._window.place_of_cursor

    def show(self, book: LogBook, live: Iterable[Line] = ()) -> None:
        """Shows this book from now on; called again whenever it changed."""
        self._window.show(book, tuple(live))
        self.refresh()

    def set_form(self, **changes: Any) -> None:
        """Changes how rows look: fields of `RowForm`, the width excepted."""
        self._window.form = replace(self._window.form, **changes)
        self._window.changed()
        self.refresh()

    # ------------------------------------------------------------ movement

    def go_to(self, line: Line) -> None:
        """Puts the cursor on a line of the book."""
        self._window.go_to(line)
        self._moved()

    def go_to_end(self) -> None:
        """Follows from now on."""
        self._window.go_to_end()
        self._moved()

    def go_to_top(self) -> None:
        self._moved(self._window.go_to_top())

    def hold(self) -> None:
        """Follows no more; what is seen stays."""
        self._window.hold()
        self._moved()

    def action_move(self, by: int) -> None:
        self._moved(self._window.move(by))

    def action_page(self, pages: float) -> None:
        self._moved(self._window.page(int(self.size.height * pages)))

    def action_shift(self, by: int) -> None:
        if not self.form.wrap:
            self.set_form(shift=max(0, min(self.form.shift + by * _SHIFT, _MOST_SHIFT)))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._moved(self._window.roll(-_WHEEL_ROWS))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._moved(self._window.roll(_WHEEL_ROWS))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.x >= self.size.width - 1:
            self._window.jump(offset.y / max(1, self.size.height))
        else:
            self._window.pick(offset.y)
        self._moved()

    def _moved(self, edge: int = 0) -> None:
        self.refresh()
        self.post_message(self.Moved())
        if edge == TOP:
            self.post_message(self.PastTop())
        elif edge == END:
            self.post_message(self.PastEnd())

    # ------------------------------------------------------------ paint

    def on_resize(self) -> None:
        """The last column is the scrollbar's."""
        self._window.tall = self.size.height
        self.set_form(width=max(_LEAST_WIDTH, self.size.width - 1))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._forget_paint()

    def watch_has_focus(self, value: bool) -> None:
        super().watch_has_focus(value)
        self._forget_paint()

    def _forget_paint(self) -> None:
        self._inks.clear()
        self._painted.clear()
        self.refresh()

    def draw_line(self, y: int, width: int) -> Strip:
        seen, plain = self._window.seen, self.inks
        if y >= len(seen):
            text = f" {self.empty}" if y == 1 and not seen else ""
            return strip([(text, plain.dim)], width, plain.text)
        line, row, _ = seen[y]
        painted = self._rows_of(line, not self.follow and line is self._window.current)
        text_part = painted[min(row, len(painted) - 1)]
        return Strip.join([text_part, self._bar(y)]).adjust_cell_length(width, plain.text)

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
        if under not in self._inks:
            share = 0.30 if self.has_focus else 0.16
            inks = self.inks.on("primary", share) if under else self.inks
            self._inks[under] = LogInks(inks)
        return self._inks[under]

    def _bar(self, y: int) -> Strip:
        """Where in the book the screen stands, drawn as a line with a thicker stretch."""
        thumb, plain = self._window.thumb, self.inks
        if thumb is None:
            return Strip([Segment(" ", plain.text)])
        if thumb[0] <= y < thumb[1]:
            return Strip([Segment(self.glyphs.blocks[-1], plain.border)])
        return Strip([Segment(self.glyphs.upright, plain.faint)])
