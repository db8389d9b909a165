"""One of several words on one line, chosen with the arrows; the line scrolls so that the chosen is in sight."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from console.ui.paint import Inks, Piece, fit, strip
from console.ui.widgets.painted import Painted

_LONGEST = 24  # cells of one word


class Choice(Painted, can_focus=True):
    """`place` is the chosen word's."""

    DEFAULT_CSS = "Choice { height: 1; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "choose(-1)", "Previous", show=False),
        Binding("right,l,space", "choose(1)", "Next", show=False),
    ]

    class Chosen(Message):
        """Another word is chosen."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

        @property
        def control(self) -> Choice:
            return self.choice

    def __init__(self, words: Sequence[str], place: int = 0, paper: str = "surface") -> None:
        super().__init__()
        self.words = tuple(words)
        self.place = place
        self._paper = paper
        self._spots: list[tuple[int, int]] = []  # from, to of each word in sight, by place

    @property
    def word(self) -> str:
        return self.words[self.place]

    @property
    def inks(self) -> Inks:
        return self.console_app.inks(self._paper)

    def action_choose(self, by: int) -> None:
        self.choose((self.place + by) % len(self.words))

    def choose(self, place: int) -> None:
        if place != self.place:
            self.place = place
            self.refresh()
            self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        for place, (start, end) in enumerate(self._spots):
            if start <= event.x < end:
                self.choose(place)
                return

    def watch_has_focus(self, value: bool) -> None:
        super().watch_has_focus(value)
        self.refresh()

    def draw_line(self, y: int, width: int) -> Strip:
        inks = self.inks
        shown = [fit(word, min(_LONGEST, cell_len(word) or 1)) for word in self.words]
        ends = [0]
        for word in shown:
            ends.append(ends[-1] + cell_len(word) + 3)
        # Scrolled so far that the chosen word, and a sign of what comes after it, can be seen.
        start = max(0, ends[self.place + 1] + 2 - width)
        pieces: list[Piece] = []
        for place, word in enumerate(shown):
            here = place == self.place
            ink = (inks.key if self.has_focus else inks.strong) if here else inks.dim
            pieces += [(f"[{word}]" if here else f" {word} ", ink), (" ", inks.text)]
        self._spots = [(a - start, b - start) for a, b in pairwise(ends)]
        line = strip(pieces, max(ends[-1], width), inks.text)
        return line.crop(start, start + width)
