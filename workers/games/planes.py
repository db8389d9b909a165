"""Planes that a network sees, relative to the seat to move."""

from __future__ import annotations

import torch
from torch import Tensor


def relative_features(
    colours: Tensor, seat: Tensor, moves: Tensor, players: int, plane: Tensor, side: int
) -> Tensor:
    """float32 [B, players + 3, side, side] from the colours of the cells, uint8 [cells, B].

    Planes: discs of the mover `seat` (uint8 [B]), of the seats after it in turn order, neutral
    discs (colour players + 1), `moves` (bool [cells, B]), and 1 on every cell of the board.
    """
    cells, count = colours.shape
    wide = colours.new_zeros((players + 3, side * side, count))
    for turn in range(players):
        wide[turn].index_copy_(0, plane, (colours == (seat + turn) % players + 1).view(torch.uint8))
    neutral = seat.new_full((1,), players + 1).expand(cells, count)
    wide[players].index_copy_(0, plane, (colours == neutral).view(torch.uint8))
    wide[players + 1].index_copy_(0, plane, moves.view(torch.uint8))
    wide[players + 2].index_fill_(0, plane, 1)
    return wide.view(-1, count).t().to(torch.float32).view(count, players + 3, side, side)
