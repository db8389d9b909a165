"""How many panes go side by side and how high they are, or that they do not fit. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MIN_WIDTH, MIN_HEIGHT = 38, 6
MAX_HEIGHT = 32
_GOOD_WIDTH, _GOOD_HEIGHT = 56, 10  # more than this is nice and no gain
_WIDEST = 120


class Place(NamedTuple):
    """Of one pane, in cells from the top left of the whole."""

    x: int
    y: int
    width: int
    height: int


class Grid(NamedTuple):
    places: tuple[tuple[Place, ...], ...]  # one tuple a group
    headings: tuple[int, ...]  # the line of each group's heading; empty without groups
    height: int
    columns: int


def arrange(width: int, height: int, sizes: Sequence[int], headed: bool) -> Grid | None:
    """The best grid for groups of `sizes` panes; None where they do not fit without scrolling."""
    best: tuple[float, int, int] | None = None
    total = sum(sizes)
    for columns in range(1, min(max(1, total), width // MIN_WIDTH) + 1):
        if total > 1 and width // columns > _WIDEST and width // (columns + 1) >= MIN_WIDTH:
            continue
        rows = _rows(sizes, columns)
        each = (height - (len(sizes) if headed else 0)) // max(1, rows)
        if each < MIN_HEIGHT:
            continue
        score = _worth(width // columns, each)
        if best is None or score > best[0]:
            best = (score, columns, each if total == 1 else min(each, MAX_HEIGHT))
    if best is None:
        return None
    return build(width, best[1], best[2], sizes, headed)


def scrolling(width: int, sizes: Sequence[int], headed: bool) -> Grid:
    """A grid of comfortable panes, however high the whole becomes."""
    columns = max(1, min(sum(sizes) or 1, width // 50 if width >= 100 else width // MIN_WIDTH))
    return build(width, columns, 8, sizes, headed)


def build(width: int, columns: int, each: int, sizes: Sequence[int], headed: bool) -> Grid:
    """Panes of `each` lines in `columns`; what does not divide goes to the first columns."""
    wide, spare = divmod(width, columns)
    widths = [wide + (column < spare) for column in range(columns)]
    lefts = [sum(widths[:column]) for column in range(columns)]
    y, places, headings = 0, [], []
    for size in sizes:
        if headed:
            headings.append(y)
            y += 1
        places.append(
            tuple(
                Place(lefts[i % columns], y + i // columns * each, widths[i % columns], each)
                for i in range(size)
            )
        )
        y += -(-size // columns) * each
    return Grid(tuple(places), tuple(headings), y, columns)


def _rows(sizes: Sequence[int], columns: int) -> int:
    return sum(-(-size // columns) for size in sizes)


def _worth(width: int, height: int) -> float:
    """Room for facts: what labels, frames and units take is no gain either."""
    return (min(width, _GOOD_WIDTH) - 12) * (min(height, _GOOD_HEIGHT) - 1) + 0.01 * width
