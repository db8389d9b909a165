"""Columns of a table: which fit, how wide they are, and a cell's text in exactly that width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from console.ui.lines import padded
from console.ui.paint import Inks, Piece, fit

# A list of pieces is taken as it is: its texts came through `fit` or are ours.
Cell = str | Piece | list[Piece]
Cells = Callable[[str, Inks], Sequence[Cell]]
Shown = tuple[tuple[int, int], ...]  # (place, width) of each column that fits


@dataclass(frozen=True)
class Column:
    """`width` is in cells. With room, a column widens to `most`; the one with `grow` takes what is left.

    `rank` above 0: dropped on narrow screens, the highest first.
    """

    key: str
    title: str
    width: int
    right: bool = False
    grow: bool = False
    most: int = 0
    rank: int = 0
    descending: bool = False  # the order in which this column is first sorted


def row_pieces(
    columns: Sequence[Column], shown: Shown, cells: Sequence[Cell], sign: str, inks: Inks
) -> list[Piece]:
    """A row's line: `sign` in the first cell, then each column that fits and a blank."""
    pieces: list[Piece] = [(sign, inks.key)]
    for place, width in shown:
        pieces += fitted(cells[place], width, columns[place].right, inks)
        pieces.append((" ", inks.text))
    return pieces


def header_pieces(
    columns: Sequence[Column], shown: Shown, sort: str | None, arrow: str, inks: Inks
) -> list[Piece]:
    """The titles; the column that sorts has `arrow`."""
    pieces: list[Piece] = [(" ", inks.dim)]
    for place, width in shown:
        column, ink, title = columns[place], inks.dim, columns[place].title
        if column.key == sort:
            ink, title = inks.strong, title[: max(0, width - 1)] + arrow
        pieces += [(fit(title, width, column.right), ink), (" ", inks.dim)]
    return pieces


def fitted(cell: Cell, width: int, right: bool, inks: Inks) -> list[Piece]:
    if isinstance(cell, str):
        return [(fit(cell, width, right), inks.text)]
    if isinstance(cell, tuple):
        return [(fit(cell[0], width, right), cell[1])]
    left = width - sum(cell_len(text) for text, _ in cell)
    if left < 0:
        return padded(cell, width, inks.text)
    blank: Piece = (" " * left, inks.text)
    return [blank, *cell] if right else [*cell, blank]


def fit_columns(columns: Sequence[Column], width: int) -> Shown:
    """Which columns fit into `width` cells and how wide each is; one blank stands between them."""
    kept = list(enumerate(columns))
    while kept:
        used = 1 + sum(column.width + 1 for _, column in kept)
        worst = max(column.rank for _, column in kept)
        if used <= width or worst == 0:
            return _widened(kept, max(0, width - used))
        last = max(i for i, column in kept if column.rank == worst)
        kept = [(i, column) for i, column in kept if i != last]
    return ()


def _widened(kept: Sequence[tuple[int, Column]], spare: int) -> Shown:
    """Those that may widen take of what is left in their order, the growing one the rest."""
    shown = []
    for place, column in kept:
        more = min(spare, max(0, column.most - column.width))
        spare -= more
        shown.append((place, column.width + more))
    return tuple(
        (place, width + (spare if column.grow else 0))
        for (place, width), (_, column) in zip(shown, kept, strict=True)
    )
