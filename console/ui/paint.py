"""Ink and paper of the widgets that paint whole lines: the theme's colours by role, and text that fits.

A line is built of (text, style) pairs whose widths the caller knows; text that came from elsewhere goes
through `fit` first, which also makes whatever is not printable visible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip

from console.text import one_line

Piece = tuple[str, Style]
LEVELS = 16


class Inks:
    """The theme's colours as Rich styles on one background. Made once a theme, kept by its users."""

    def __init__(self, colours: Mapping[str, str], background: str = "background") -> None:
        """`colours` is `App.theme_variables`; `background` the name of the paper's colour in it."""
        self._colours = colours
        self.paper = self._colour(background)
        ink = self._colour("foreground")
        self.text = self._style(ink)
        self.strong = self._style(ink, bold=True)
        self.dim = self._style(_mix(ink, self.paper, 0.42), dim=ink.ansi is not None)
        self.faint = self._style(_mix(ink, self.paper, 0.74), dim=ink.ansi is not None)
        primary = self._colour("primary")
        self.primary = self._style(primary)
        self.title = self._style(primary, bold=True)
        self.border = self._style(_mix(primary, self.paper, 0.62))
        self.border_focus = self._style(self._colour("accent"), bold=True)
        self.accent = self._style(self._colour("accent"))
        self.good = self._style(self._colour("success"))
        self.warn = self._style(self._colour("warning"))
        self.bad = self._style(self._colour("error"))
        self.bad_strong = self._style(self._colour("error"), bold=True)
        self.key = self._style(self._colour("accent"), bold=True)
        self.second = self._style(self._colour("secondary"))
        good, warn, bad = (self._colour(name) for name in ("success", "warning", "error"))
        self.levels = self._gradient((good, good, good, warn, bad))
        second, accent = self._colour("secondary"), self._colour("accent")
        self.cool = self._gradient((_mix(second, self.paper, 0.35), second, primary, primary))
        self.warm = self._gradient((_mix(good, self.paper, 0.4), good, good, accent))

    def on(self, name: str, share: float) -> Inks:
        """The same inks on paper tinted by the colour `name`, `share` 0–1 of it: for cursor and marks."""
        tint = self._colour(name)
        if tint.ansi is not None or self.paper.ansi is not None:
            return self
        paper = _mix(self.paper, tint, share)
        return Inks({**self._colours, "_tinted": paper.hex}, "_tinted")

    def level(self, percent: float) -> Style:
        """From good to bad for 0–100."""
        return self.levels[max(0, min(LEVELS - 1, int(percent * LEVELS / 100)))]

    def heat(self, percent: float) -> Style:
        """How much a GPU works, where much is not bad: 0–100."""
        return self.cool[max(0, min(LEVELS - 1, int(percent * LEVELS / 100)))]

    def work(self, percent: float) -> Style:
        """How much a CPU works, where much is not bad either: 0–100."""
        return self.warm[max(0, min(LEVELS - 1, int(percent * LEVELS / 100)))]

    def severity(self, word: str) -> Style:
        """Of an alert: critical, warning or anything milder."""
        return {"critical": self.bad, "error": self.bad, "warning": self.warn}.get(
            word, self.primary
        )

    def worker(self, sign: str) -> Style:
        """Of how a worker fares: green works, yellow look, red act."""
        return {
            "running": self.good,
            "waiting": self.warn,
            "odd": self.warn,
            "bad": self.bad,
        }.get(sign, self.dim)

    def state(self, word: str) -> Style:
        """Of a node's state word."""
        return {
            "up": self.good,
            "stale": self.warn,
            "down": self.bad,
            "attention": self.warn,
        }.get(word, self.dim)

    def _gradient(self, stops: Sequence[Color]) -> tuple[Style, ...]:
        return tuple(self._style(_along(stops, step / (LEVELS - 1))) for step in range(LEVELS))

    def _colour(self, name: str) -> Color:
        try:
            return Color.parse(self._colours.get(name, "ansi_default"))
        except ValueError:
            return Color.parse("ansi_default")

    def _style(self, ink: Color, bold: bool = False, dim: bool = False) -> Style:
        return Style(
            color=ink.rich_color,
            bgcolor=self.paper.rich_color,
            bold=bold or None,
            dim=dim or None,
        )


def fit(text: str, width: int, right: bool = False) -> str:
    """`text` in exactly `width` cells: padded, or cut with an ellipsis; nothing in it can act."""
    if width <= 0:
        return ""
    if not text.isprintable():
        text = one_line(text, 4 * width)
    if text.isascii():
        if len(text) > width:
            return text[: width - 1] + "…"
        return text.rjust(width) if right else text.ljust(width)
    taken = cell_len(text)
    if taken > width:
        return set_cell_size(set_cell_size(text, width - 1) + "…", width)
    return " " * (width - taken) + text if right else text + " " * (width - taken)


def strip(pieces: Sequence[Piece], width: int, rest: Style) -> Strip:
    """One line of exactly `width` cells; what is left is filled in the style `rest`."""
    line = Strip([Segment(text, style) for text, style in pieces if text])
    length = line.cell_length
    if length < width:
        return Strip([*line, Segment(" " * (width - length), rest)], width)
    return line if length == width else line.crop(0, width)


def _mix(one: Color, other: Color, share: float) -> Color:
    if one.ansi is not None or other.ansi is not None:
        return one
    return one.blend(other, share, alpha=1.0)


def _along(stops: Sequence[Color], place: float) -> Color:
    scaled = place * (len(stops) - 1)
    index = min(int(scaled), len(stops) - 2)
    return _mix(stops[index], stops[index + 1], scaled - index)
