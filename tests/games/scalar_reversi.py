"""Reversi once more, one game at a time with dictionaries: what the tensor engine is held against."""

from __future__ import annotations

Place = tuple[int, int]
SIDES = {"square8": 8, "square19": 19}
RADII = {"hex8": 4, "hexagonal": 12}
HEX = [(0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1), (1, 0)]  # axial q, r
NEUTRAL = "N"


class ScalarReversi:
    """One game; cells are numbered by rows, hexagonal ones by r, then q."""

    def __init__(self, board: str, players: int) -> None:
        self.players, self.seat, self.over = players, 0, False
        if board in SIDES:
            side = SIDES[board]
            self.cells = [(x, y) for y in range(side) for x in range(side)]
            self.steps = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b]
            low = side // 2 - 1
            ring = [(low, low), (low + 1, low), (low + 1, low + 1), (low, low + 1)]
            seats = {2: "2121", 3: "123N", 4: "1234"}[players]
        else:
            reach = range(-RADII[board], RADII[board] + 1)
            self.cells = [(q, r) for r in reach for q in reach if q + r in reach]
            self.steps, ring = HEX, [*HEX, (0, 0)]
            seats = {2: "121212N", 3: "123123N", 4: "12N34NN"}[players]
        self.disc: dict[Place, object] = dict.fromkeys(self.cells)
        for place, seat in zip(ring, seats, strict=True):
            self.disc[place] = NEUTRAL if seat == NEUTRAL else int(seat) - 1

    def flips(self, place: Place, seat: int) -> list[Place]:
        """What a disc at `place` would turn."""
        turned: list[Place] = []
        for a, b in self.steps:
            run, (x, y) = [], (place[0] + a, place[1] + b)
            while self.disc.get((x, y)) not in (None, seat):
                run.append((x, y))
                x, y = x + a, y + b
            if self.disc.get((x, y)) == seat:
                turned += run
        return turned

    def legal(self, seat: int) -> list[int]:
        """Numbers of the cells where `seat` may place."""
        empty = (number for number, place in enumerate(self.cells) if self.disc[place] is None)
        return [number for number in empty if self.flips(self.cells[number], seat)]

    def play(self, action: int) -> int:
        """Places, and says how many seats must pass then."""
        place = self.cells[action]
        for turned in [*self.flips(place, self.seat), place]:
            self.disc[turned] = self.seat
        for passed in range(self.players):
            seat = (self.seat + 1 + passed) % self.players
            if self.legal(seat):
                self.seat = seat
                return passed
        self.over = True
        return 0

    def scores(self) -> list[int]:
        """Discs of each seat."""
        return [list(self.disc.values()).count(seat) for seat in range(self.players)]
