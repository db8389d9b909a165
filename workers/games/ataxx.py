"""Ataxx on square and hexagonal boards for two to four seats, `ataxx/1`.

A move puts a disc on an empty cell: a copy of one beside it, or one that jumps there from distance
two. Every other seat's disc beside the new one turns. Without a move a seat is passed over. The
game is over when no seat has a move or only one has discs; the most discs win. Discs may jump for
ever, so whoever plays stops at `max_moves`. Two on `square7` play the classical game.
"""

from __future__ import annotations

import torch
from torch import Tensor

from workers.games.board import Board
from workers.games.discs import DiscGame, DiscState
from workers.games.game import UnknownGame
from workers.games.symmetry import action_symmetries

BOARDS = ("square7", "square8", "square19", "hex8", "hexagonal")
MOVES_PER_CELL = 5
# Seats of the corners, clockwise; 0 leaves a corner empty.
SQUARE_START: dict[int, tuple[int, ...]] = {2: (1, 2, 1, 2), 3: (1, 2, 3, 0), 4: (1, 2, 3, 4)}
HEX_START: dict[int, tuple[int, ...]] = {
    2: (1, 2, 1, 2, 1, 2),
    3: (1, 2, 3, 1, 2, 3),
    4: (1, 2, 0, 3, 4, 0),
}


class Ataxx(DiscGame):
    """The game on `board` for `players` seats; raises UnknownGame for others than its own.

    Actions: "copy to cell", then for each step of length two "jump from cell by step", then pass.
    """

    name = "ataxx"
    rules = "ataxx/1"

    def __init__(self, board: str, players: int, device: str | torch.device = "cpu") -> None:
        if board not in BOARDS or players not in SQUARE_START:
            raise UnknownGame(
                f"ataxx has the boards {', '.join(BOARDS)} for 2 to 4 players, "
                f"not {board!r} for {players}"
            )
        super().__init__(board, players, 0, device)
        self.max_moves = MOVES_PER_CELL * self.cells
        self.n_actions = self.cells * (1 + len(self.layout.ring)) + 1
        self._near = torch.tensor(self.layout.shifted(self.layout.directions), device=self.device)
        self._far = torch.tensor(self.layout.shifted(self.layout.ring), device=self.device)
        cell = torch.arange(self.cells, device=self.device)
        none = cell.new_full((1,), self.cells)
        jumps, places = len(self._far), self._far[:, : self.cells]
        self._target = torch.cat((cell, places.flatten(), none))
        self._source = torch.cat((none.expand(self.cells), cell.repeat(jumps), none))
        self._set_start(start(self.layout, players))

    def symmetries(self) -> Tensor:
        """The board's symmetries, int64 [8 or 12, n_actions]."""
        return action_symmetries(self.layout, self.layout.ring, self.device)

    def _played(self, state: DiscState, actions: Tensor) -> Tensor:
        put = self._one_hot(self._target.index_select(0, actions))
        left = self._one_hot(self._source.index_select(0, actions))[: self.cells]
        colours = state.colours * (1 - left)
        turned = self._beside(put, self._near) * colours.clamp_max(1) + put[: self.cells]
        return colours + (state.seat + 1 - colours) * turned

    def _moves(self, colours: Tensor, seat: Tensor) -> tuple[Tensor, Tensor]:
        count = len(seat)
        own = (colours == seat + 1).view(torch.uint8)
        discs = colours.clamp_max(1)
        # A seat that is alone has nothing left to play for.
        rivals = (discs ^ own).amax(0)
        own, empty = own * rivals, 1 - discs
        edge = own.new_zeros((1, count))
        copies = self._beside(torch.cat((own, edge)), self._near) * empty
        places = torch.cat((empty, edge)).index_select(0, self._far[:, : self.cells].flatten())
        jumps = places.view(len(self._far), self.cells, count) * own
        moves = torch.cat((copies, jumps.flatten(0, 1), edge))
        return moves.view(torch.bool), moves.amax(0).view(torch.bool)

    def _one_hot(self, cell: Tensor) -> Tensor:
        zeros = torch.zeros((self.cells + 1, len(cell)), dtype=torch.uint8, device=self.device)
        zeros.scatter_(0, cell[None], 1)
        zeros[self.cells] = 0
        return zeros

    def _beside(self, planes: Tensor, hops: Tensor) -> Tensor:
        """Cells with a neighbour in `planes` [cells + 1, B], uint8 [cells, B]."""
        around = planes.index_select(0, hops[:, : self.cells].flatten())
        return around.view(len(hops), self.cells, planes.shape[1]).amax(0)


def start(board: Board, players: int) -> dict[int, int]:
    """Discs of the start in the corners: cell to seat counted from 1."""
    low, middle, high = 0, board.side // 2, board.side - 1
    corners = [(low, low), (low, high), (high, high), (high, low)]
    seats = SQUARE_START[players]
    if board.is_hexagonal:
        corners = [(low, middle), (low, high), (middle, high)]
        corners += [(high, middle), (high, low), (middle, low)]
        seats = HEX_START[players]
    return {board.numbers[c]: seat for c, seat in zip(corners, seats, strict=True) if seat}
