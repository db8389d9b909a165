"""History as braille or block graphs, and bars. Pure functions of numbers to characters.

A reading that is missing (None) leaves a gap; a zero stands on the ground line. The newest is on the right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from rich.style import Style

from console.ui.glyphs import Glyphs
from console.ui.paint import Piece

# Dots of a braille cell (U+2800 + mask), from the ground up, in the left and right half of the cell.
_LEFT = (0x00, 0x40, 0x44, 0x46, 0x47)
_RIGHT = (0x00, 0x80, 0xA0, 0xB0, 0xB8)
_BRAILLE = [[chr(0x2800 + left + right) for right in _RIGHT] for left in _LEFT]
_BRAILLE[0][0] = " "

Reading = float | None


def newest(history: Sequence[tuple[float, Reading]], count: int) -> list[Reading]:
    """The last `count` values, oldest first, padded with None at the front."""
    values = [value for _, value in islice(reversed(history), count)]
    values.reverse()
    return [None] * (count - len(values)) + values


def readings_wanted(width: int, glyphs: Glyphs) -> int:
    """How many readings a graph of `width` cells shows."""
    return width * 2 if glyphs.braille else width


def graph(values: Sequence[Reading], height: int, glyphs: Glyphs, top: float = 100.0) -> list[str]:
    """`height` rows, the highest first, of values between 0 and `top`."""
    steps = 4 if glyphs.braille else len(glyphs.blocks) - 1
    levels = [_level(value, height * steps, top) for value in values]
    rows = []
    for row in range(height - 1, -1, -1):
        ground = row * steps
        cut = [min(steps, max(0, level - ground)) for level in levels]
        rows.append(_braille(cut) if glyphs.braille else "".join(glyphs.blocks[c] for c in cut))
    return rows


def coloured(
    history: Sequence[tuple[float, Reading]],
    width: int,
    height: int,
    pick: Callable[[float], Style],
    glyphs: Glyphs,
) -> list[list[Piece]]:
    """A graph in `height` lines of `width` cells, each cell in the colour `pick` has for its value."""
    values = newest(history, readings_wanted(width, glyphs))
    rows = graph(values, height, glyphs)
    per_cell = 2 if glyphs.braille else 1
    styles = [
        pick(max((v for v in values[i : i + per_cell] if v is not None), default=0.0))
        for i in range(0, len(values), per_cell)
    ]
    return [_runs(row, styles) for row in rows]


def bar(fraction: float | None, width: int, glyphs: Glyphs) -> tuple[str, str]:
    """The filled and the empty part of a bar of `width` cells; all empty where nothing is known."""
    if fraction is None:
        return "", " " * width
    shown = max(0.0, min(1.0, fraction))  # cut before rounding: a share of nothing is infinite
    filled = round(shown * width)
    if fraction > 0 and filled == 0 and width:
        filled = 1
    return glyphs.full * filled, glyphs.rest * (width - filled)


def heat_cell(percent: Reading, glyphs: Glyphs) -> str:
    """One block whose height is the value: of a GPU's utilisation."""
    if percent is None:
        return glyphs.missing
    last = len(glyphs.blocks) - 1
    return glyphs.blocks[max(1, min(last, round(percent / 100 * last)))]


def _level(value: Reading, levels: int, top: float) -> int:
    if value is None:
        return 0
    return max(1, min(levels, round(value / top * levels)))


def _braille(levels: Sequence[int]) -> str:
    return "".join([_BRAILLE[levels[i]][levels[i + 1]] for i in range(0, len(levels) - 1, 2)])


def _runs(row: str, styles: Iterable[Style]) -> list[Piece]:
    """Neighbours of one style as one piece: fewer segments to paint."""
    pieces: list[Piece] = []
    text, now = "", None
    for character, style in zip(row, styles, strict=False):
        if style is not now:
            if now is not None:
                pieces.append((text, now))
            text, now = "", style
        text += character
    if now is not None:
        pieces.append((text, now))
    return pieces
