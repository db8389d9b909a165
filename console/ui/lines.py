"""Blocks of painted lines, set one under another or side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from rich.cells import cell_len
from rich.style import Style

from console.text import one_line
from console.ui.glyphs import Glyphs
from console.ui.paint import Inks, Piece, fit
from console.ui.widgets.graph import bar

Line = list[Piece]


class Pen(NamedTuple):
    """What a block is drawn with."""

    width: int
    inks: Inks
    glyphs: Glyphs

    def narrow(self, width: int) -> Pen:
        return self._replace(width=width)


def length(line: Iterable[Piece]) -> int:
    return sum(cell_len(text) for text, _ in line)


def padded(line: Line, width: int, rest: Style) -> Line:
    """`line` in exactly `width` cells."""
    missing = width - length(line)
    if missing > 0:
        return [*line, (" " * missing, rest)]
    if missing == 0:
        return line
    kept: Line = []
    for text, style in line:
        room = width - length(kept)
        if room <= 0:
            break
        kept.append((text, style) if cell_len(text) <= room else (fit(text, room), style))
    return kept


def heading(pen: Pen, title: str, note: str = "", tint: Style | None = None) -> Line:
    """`── title ───────────────── note ──` across the pen's width."""
    line = pen.glyphs.line
    shown, said = fit(title, min(cell_len(title), pen.width - 6)), ""
    if note and cell_len(note) + cell_len(shown) + 8 < pen.width:
        said = f" {note} "
    fill = max(0, pen.width - 4 - cell_len(shown) - cell_len(said) - (1 if said else 0))
    return [
        (line, pen.inks.border),
        (f" {shown} ", tint or pen.inks.title),
        (line * fill, pen.inks.border),
        (said, pen.inks.dim),
        (line if said else "", pen.inks.border),
        (" ", pen.inks.text),
    ]


def beside(left: Sequence[Line], right: Sequence[Line], left_width: int, rest: Style) -> list[Line]:
    """Two blocks as one; two blanks stand between them."""
    nothing: Line = []
    return [
        [*padded(one, left_width, rest), ("  ", rest), *other]
        for one, other in zip_longest(left, right, fillvalue=nothing)
    ]


def meter(pen: Pen, fraction: float | None, width: int, tint: Style) -> Line:
    """A bar of `width` cells."""
    filled, rest = bar(fraction, width, pen.glyphs)
    return [(filled, tint), (rest, pen.inks.faint)]


def pair(pen: Pen, label: str, value: str, wide: int = 12, tint: Style | None = None) -> Line:
    """`label       value` on one line of the pen's width."""
    return [
        (fit(label, wide), pen.inks.dim),
        (fit(value, max(1, pen.width - wide)), tint or pen.inks.text),
    ]


def words(pen: Pen, text: str, style: Style, indent: int = 0) -> list[Line]:
    """`text` broken between words; what is longer than a line is broken within."""
    room = max(8, pen.width - indent)
    found: list[Line] = []
    for paragraph in text.split("\n"):
        found += [
            [(" " * indent, style), (part, style)]
            for part in _broken(one_line(paragraph, 4000), room)
        ]
    return found


def _broken(text: str, room: int) -> list[str]:
    parts, now = [], ""
    for word in text.split(" "):
        while cell_len(word) > room:
            head = _head(word, room)
            if now:
                parts.append(now)
                now = ""
            parts.append(head)
            word = word[len(head) :]
        candidate = f"{now} {word}" if now else word
        if cell_len(candidate) > room:
            parts.append(now)
            now = word
        else:
            now = candidate
    return [*parts, now]


def _head(word: str, room: int) -> str:
    cut = room
    while cut > 1 and cell_len(word[:cut]) > room:
        cut -= 1
    return word[:cut]
