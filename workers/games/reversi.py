"""Reversi on four boards for two to four seats, `reversi/1`; two on `square8` play Othello.

The seat to move places a disc on an empty cell such that in some direction a run of discs, none
its own, ends in a disc of its own; all such runs turn to its colour. Without such a cell it is
passed over; when no seat has one, the game is over and the most discs win. Neutral discs can be
outflanked and belong to nobody.
"""

from __future__ import annotations

import torch
from torch import Tensor

from workers.games.board import Board
from workers.games.discs import DiscGame, DiscState
from workers.games.floods import Floods, any_of
from workers.games.game import UnknownGame
from workers.games.symmetry import action_symmetries

# Most plies that the rules could need, for 2, 3 and 4 seats. Reversi ends by itself.
MAX_MOVES = {
    "square8": (500, 800, 1200),
    "hex8": (500, 800, 1200),
    "square19": (1200, 1600, 2000),
    "hexagonal": (1200, 1600, 2000),
}
# Discs of the start by seats, clockwise, 0 for a neutral one.
SQUARE_START: dict[int, tuple[int, ...]] = {2: (2, 1, 2, 1), 3: (1, 2, 3, 0), 4: (1, 2, 3, 4)}
HEX_START: dict[int, tuple[int, ...]] = {
    2: (1, 2, 1, 2, 1, 2),
    3: (1, 2, 3, 1, 2, 3),
    4: (1, 2, 0, 3, 4, 0),
}


class Reversi(DiscGame):
    """The game on `board` for `players` seats; raises UnknownGame for others than its own."""

    name = "reversi"
    rules = "reversi/1"

    def __init__(self, board: str, players: int, device: str | torch.device = "cpu") -> None:
        if board not in MAX_MOVES or players not in SQUARE_START:
            raise UnknownGame(
                f"reversi has the boards {', '.join(MAX_MOVES)} for 2 to 4 players, "
                f"not {board!r} for {players}"
            )
        super().__init__(board, players, MAX_MOVES[board][players - 2], device)
        self._floods = Floods(self.layout, self.device)
        self._set_start(start(self.layout, players))

    def symmetries(self) -> Tensor:
        """The board's symmetries, int64 [8 or 12, n_actions]."""
        return action_symmetries(self.layout, (), self.device)

    def _played(self, state: DiscState, actions: Tensor) -> Tensor:
        colour = state.seat + 1
        planes = self._planes(state.colours, colour, 3)
        # The third has a row more than the board, for the pass.
        placed = planes.new_zeros((self.n_actions, len(actions))).scatter_(0, actions[None], 1)
        planes[2] = placed[: self.cells]
        discs, own, here = self._floods.pack(planes)
        turned = self._flips(here, own, discs ^ own).bitwise_or_(here)
        changed = self._floods.unpack(turned[: self.cells], len(actions))
        return state.colours + (colour - state.colours).mul_(changed)

    def _moves(self, colours: Tensor, seat: Tensor) -> tuple[Tensor, Tensor]:
        discs, own = self._floods.pack(self._planes(colours, seat + 1, 2))
        runs = self._floods.runs(own, discs ^ own)
        packed = any_of(self._floods.beyond(runs)).bitwise_and_(~discs)
        moves = self._floods.unpack(packed, len(seat))
        # The greatest of bytes, since `any` of booleans along columns is many times slower.
        return moves.view(torch.bool), moves.amax(0).view(torch.bool)

    def _planes(self, colours: Tensor, colour: Tensor, count: int) -> Tensor:
        """Room for `count` planes, uint8 [count, cells, B]; the first two are all discs and own."""
        planes = colours.new_empty((count, *colours.shape))
        torch.clamp_max(colours, 1, out=planes[0])
        torch.eq(colours, colour, out=planes[1].view(torch.bool))
        return planes

    def _flips(self, placed: Tensor, own: Tensor, others: Tensor) -> Tensor:
        """The discs that the placed ones turn, packed [cells + 1, W]."""
        runs = self._floods.runs(placed, others)
        ends = self._floods.beyond(runs).bitwise_and_(own)
        # From one disc a direction has at most one end, and a cell lies in at most one direction:
        # no bit is set twice, so a sum does for "or", which torch cannot reduce by.
        closed = ends.sum(1, keepdim=True, dtype=torch.uint8)
        return runs.bitwise_and_(closed).sum(0, dtype=torch.uint8)


def start(board: Board, players: int) -> dict[int, int]:
    """Discs of the start: cell to seat counted from 1, or 0 for a neutral disc."""
    centre = (board.side - 1) // 2
    steps, seats = board.directions, HEX_START[players]
    discs = {board.numbers[centre, centre]: 0}
    if not board.is_hexagonal:
        # Up-left of the centre where a side is odd.
        centre = (board.side - 2) // 2
        steps, seats = ((0, 0), (0, 1), (1, 1), (1, 0)), SQUARE_START[players]
        discs = {}
    for (down, right), seat in zip(steps, seats, strict=True):
        discs[board.numbers[centre + down, centre + right]] = seat
    return discs
