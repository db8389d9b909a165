"""Planes that a network sees, relative to the seat to move."""

from __future__ import annotations

import torch
from torch import Tensor

from workers.games.board import Board


class Embedding:
    """Puts the cells of `board` where they lie in its square plane."""

    def __init__(self, board: Board, device: torch.device) -> None:
        self.side = board.side
        self.cells = board.cells
        source = torch.full((board.side**2,), board.cells)
        source[board.plane] = torch.arange(board.cells)
        self._source = None if board.cells == board.side**2 else source.to(device)

    def __call__(self, planes: Tensor) -> Tensor:
        """uint8 [C, cells + 1, B], the last row zeros, to float32 [B, C, side, side]."""
        if self._source is None:
            square = planes[:, : self.cells]
        else:
            square = planes.index_select(1, self._source)
        # Still batch last in memory: whoever needs another layout copies once, to that.
        flat = square.permute(2, 0, 1).to(torch.float32)
        return flat.view(*flat.shape[:2], self.side, self.side)


def relative_features(
    colours: Tensor, seat: Tensor, moves: Tensor, players: int, embedding: Embedding
) -> Tensor:
    """float32 [B, players + 3, side, side] from the colours of the cells, uint8 [cells, B].

    Planes: discs of the mover `seat` (uint8 [B]), of the seats after it in turn order, neutral
    discs (colour players + 1), `moves` (bool [at least cells, B]), and 1 on every cell.
    """
    cells, count = colours.shape
    planes = colours.new_zeros((players + 3, cells + 1, count))
    discs = planes[:, :cells]
    for turn in range(players):
        discs[turn] = colours == (seat + turn) % players + 1
    discs[players] = colours == torch.full_like(seat, players + 1)
    discs[players + 1] = moves[:cells]
    discs[players + 2] = 1
    return embedding(planes)
