"""A sheet of painted lines that scrolls: facts, not rows to choose from."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.ui.lines import Line, Pen
from console.ui.paint import strip
from console.ui.widgets.painted import Painted


class Sheet(Painted, ScrollView, can_focus=True):
    """`build(pen)` gives the lines; it is asked again at `redraw`, at a new size and with a new theme."""

    DEFAULT_CSS = """
    Sheet { width: 1fr; height: 1fr; overflow: hidden auto; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_by(-1)", "Up", show=False),
        Binding("down,j", "scroll_by(1)", "Down", show=False),
        Binding("pageup", "scroll_pages(-1)", "Page up", show=False),
        Binding("pagedown", "scroll_pages(1)", "Page down", show=False),
        Binding("ctrl+u", "scroll_pages(-0.5)", "Half page up", show=False),
        Binding("ctrl+d", "scroll_pages(0.5)", "Half page down", show=False),
        Binding("home,g", "scroll_edge(-1)", "Top", show=False),
        Binding("end,G", "scroll_edge(1)", "Bottom", show=False),
    ]

    def __init__(
        self,
        build: Callable[[Pen], list[Line]],
        *,
        paper: str = "background",
        fitted: bool = False,
        id: str | None = None,
    ) -> None:
        """`fitted`: the sheet is as high as its lines where there is room, as in a dialog."""
        super().__init__(id=id)
        self._build = build
        self._paper = paper
        self._fitted = fitted
        self._lines: list[Line] = []
        self._drawn_for: tuple[int, str] | None = None

    @property
    def lines(self) -> list[Line]:
        return self._lines

    def redraw(self) -> None:
        """Asks for the lines again."""
        self._drawn_for = None
        self._rebuild(self._width)
        self.refresh()

    def on_resize(self) -> None:
        self.redraw()

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width or self.size.width

    def _rebuild(self, width: int) -> None:
        wanted = (width, self.console_app.theme)
        if not width or self._drawn_for == wanted:
            return
        self._drawn_for = wanted
        with self.guard("laying out"):
            inks = self.console_app.inks(self._paper)
            self._lines = self._build(Pen(width, inks, self.glyphs))
        self.virtual_size = Size(width, len(self._lines))
        if self._fitted:
            self.styles.height = max(1, len(self._lines))

    def draw_line(self, y: int, width: int) -> Strip:
        self._rebuild(self._width)
        place = y + int(self.scroll_offset.y)
        line = self._lines[place] if place < len(self._lines) else []
        return strip(line, width, self.console_app.inks(self._paper).text)

    def action_scroll_by(self, lines: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False)

    def action_scroll_pages(self, pages: float) -> None:
        self.action_scroll_by(int(self.size.height * pages))

    def action_scroll_edge(self, end: int) -> None:
        self.scroll_to(y=0 if end < 0 else len(self._lines), animate=False)
