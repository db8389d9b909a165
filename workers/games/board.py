"""Boards: where the cells lie, who neighbours whom, and what a symmetry does to them.

A square board of side n has its cells row by row. A hexagonal board of radius R has those with
axial coordinates |q|, |r|, |q + r| <= R, embedded in a square of side 2R + 1 at row r + R and
column q + R. Nothing else in the games knows about geometry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

from workers.games.game import UnknownGame

Place = tuple[int, int]  # row, column
SIDES = {"square7": 7, "square8": 8, "square19": 19}
RADII = {"hex8": 4, "hexagonal": 12}
# Clockwise, so that the direction half a turn on is the opposite one.
SQUARE_DIRECTIONS = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
# The axial order (q, r) of the rules, as rows and columns.
HEX_DIRECTIONS = ((1, 0), (1, -1), (0, -1), (-1, 0), (-1, 1), (0, 1))


@dataclass(frozen=True)
class Board:
    """A board of `len(places)` cells; `directions` are steps (rows, columns) to neighbours."""

    name: str
    side: int
    places: tuple[Place, ...]
    directions: tuple[Place, ...]

    @property
    def cells(self) -> int:
        """How many cells; as a cell number, the one that stands for "off the board"."""
        return len(self.places)

    @property
    def is_hexagonal(self) -> bool:
        """Whether a cell has six neighbours instead of eight."""
        return self.directions == HEX_DIRECTIONS

    @cached_property
    def numbers(self) -> dict[Place, int]:
        """Cell number of each place."""
        return {place: number for number, place in enumerate(self.places)}

    @property
    def plane(self) -> list[int]:
        """Index of each cell in the flattened side * side plane."""
        return [row * self.side + column for row, column in self.places]

    @property
    def longest_line(self) -> int:
        """Cells of the longest straight line."""
        return self.side

    def shifted(self, steps: tuple[Place, ...]) -> list[list[int]]:
        """For each step and cell the cell reached, [steps][cells + 1]; off the board is `cells`."""
        return [
            [self.numbers.get((row + down, column + right), self.cells) for row, column in self.places]
            + [self.cells]
            for down, right in steps
        ]  # fmt: skip

    @property
    def ring(self) -> tuple[Place, ...]:
        """The steps to the cells at distance two."""
        near = {(0, 0), *self.directions}
        far = {(a + c, b + d) for a, b in self.directions for c, d in self.directions}
        return tuple(sorted(far - near))

    def symmetries(self) -> list[list[int]]:
        """Where each cell goes, [8 or 12][cells]; the first is the identity."""
        half = self.side - 1
        return [
            [self.numbers[_moved(turn, place, half)] for place in self.places]
            for turn in self.turns()
        ]

    def turns(self) -> list[Callable[[int, int], Place]]:
        """The symmetries as linear maps of steps (rows, columns) about the centre."""
        return [
            _linear(rotation, mirrored, self.is_hexagonal)
            for mirrored in (False, True)
            for rotation in range(6 if self.is_hexagonal else 4)
        ]


def _linear(rotation: int, mirrored: bool, hexagonal: bool) -> Callable[[int, int], Place]:
    def turn(down: int, right: int) -> Place:
        if mirrored:
            down, right = right, down
        for _ in range(rotation):
            down, right = (down + right, -down) if hexagonal else (right, -down)
        return down, right

    return turn


def _moved(turn: Callable[[int, int], Place], place: Place, half: int) -> Place:
    # Twice the distance from the centre stays whole on even sides too.
    down, right = turn(2 * place[0] - half, 2 * place[1] - half)
    return (down + half) // 2, (right + half) // 2


@cache
def board_named(name: str) -> Board:
    """The board called `name`; raises UnknownGame."""
    if name in SIDES:
        side = SIDES[name]
        places = tuple((row, column) for row in range(side) for column in range(side))
        return Board(name, side, places, SQUARE_DIRECTIONS)
    if name in RADII:
        radius = RADII[name]
        reach = range(2 * radius + 1)
        places = tuple((r, q) for r in reach for q in reach if abs(q + r - 2 * radius) <= radius)
        return Board(name, 2 * radius + 1, places, HEX_DIRECTIONS)
    known = ", ".join([*SIDES, *RADII])
    raise UnknownGame(f"no board is called {name!r}; there are {known}")
