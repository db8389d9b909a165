"""One line above a table: what is shown, and what is held back."""

from __future__ import annotations

from collections.abc import Callable

from textual.strip import Strip

from console.ui.paint import Inks, Piece, fit, strip
from console.ui.widgets.painted import Painted


class Caption(Painted):
    """`build(inks)` gives the pieces, asked for at each refresh."""

    DEFAULT_CSS = "Caption { height: 1; }"

    def __init__(self, build: Callable[[Inks], list[Piece]], id: str | None = None) -> None:
        super().__init__(id=id)
        self._build = build

    def draw_line(self, y: int, width: int) -> Strip:
        pieces = self._build(self.inks)
        shown, room = [], width
        for text, style in pieces:
            cut = text if len(text) <= room else fit(text, room)
            shown.append((cut, style))
            room -= len(cut)
        return strip(shown, width, self.inks.text)
