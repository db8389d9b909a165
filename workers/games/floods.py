"""Floods along the lines of a board, eight games in a byte and all directions at once.

Kogge-Stone: after the hops 1, 2, 4, ... every run of cells is reached, however long, in the
logarithm of its length. A packed tensor is uint8 [cells + 1, W] with W = ceil(B / 8): bit k of
column w is game k * W + w, and the last row stands for "off the board" and is always 0.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from workers.games.board import Board


class Floods:
    """The hop tables of `board`, and what is computed with them."""

    def __init__(self, board: Board, device: torch.device) -> None:
        self.cells = board.cells
        hop = torch.tensor(board.shifted(board.directions), device=device)
        self.directions = len(hop)
        rows = torch.arange(self.directions, device=device)[:, None] * (self.cells + 1)
        # `first` reads one plane for all directions; the others read each direction's own.
        self.first = hop.flatten()
        self.hops: list[Tensor] = []
        reach = 0
        while reach < board.longest_line - 2:
            self.hops.append((hop + rows).flatten())
            reach += 2 ** len(self.hops) // 2
            hop = hop.gather(1, hop)
        self._bits = torch.tensor([1 << k for k in range(8)], dtype=torch.uint8, device=device)

    def pack(self, planes: Tensor) -> Tensor:
        """Packs uint8 [..., cells, B] of 0 and 1 to uint8 [..., cells + 1, W]."""
        count = planes.shape[-1]
        width = -(-count // 8)
        if count % 8:
            planes = pad(planes, (0, 8 * width - count))
        slabs = planes.view(*planes.shape[:-1], 8, width)
        halves = torch.add(slabs[..., :4, :], slabs[..., 4:, :], alpha=16)
        pairs = torch.add(halves[..., :2, :], halves[..., 2:, :], alpha=4)
        packed = planes.new_zeros((*planes.shape[:-2], self.cells + 1, width))
        torch.add(pairs[..., 0, :], pairs[..., 1, :], alpha=2, out=packed[..., : self.cells, :])
        return packed

    def unpack(self, packed: Tensor, count: int) -> Tensor:
        """Unpacks uint8 [..., W] to uint8 [..., count] of 0 and 1."""
        wide = packed.unsqueeze(-2) & self._bits[:, None]
        return wide.clamp_max_(1).flatten(-2)[..., :count]

    def runs(self, seed: Tensor, through: Tensor) -> Tensor:
        """The cells of `through` in one unbroken line from a cell of `seed`, per direction.

        Both packed [cells + 1, W] and disjoint; returns [directions, cells + 1, W]. Direction d of
        the result holds what is reached walking against `board.directions[d]`.
        """
        reached = self._near(seed).bitwise_and_(through).bitwise_or_(seed)
        paved = self._near(through).bitwise_and_(through)
        last = len(self.hops) - 1
        for number in range(1, last + 1):
            reached |= self._far(reached, self.hops[number]).bitwise_and_(paved)
            if number < last:
                paved &= self._far(paved, self.hops[number])
        return reached.bitwise_and_(through)

    def beyond(self, runs: Tensor) -> Tensor:
        """The cell after each run, [directions, cells + 1, W]; within a run, its other cells."""
        return self._far(runs, self.hops[0])

    def _near(self, plane: Tensor) -> Tensor:
        return plane.index_select(0, self.first).view(self.directions, *plane.shape)

    def _far(self, planes: Tensor, hop: Tensor) -> Tensor:
        return planes.flatten(0, 1).index_select(0, hop).view(planes.shape)


def any_of(planes: Tensor) -> Tensor:
    """Bitwise or along the first dimension, which goes. (Torch has no such reduction.)"""
    while len(planes) > 1:
        half = len(planes) // 2
        low = planes[:half] | planes[half : 2 * half]
        if len(planes) % 2:
            low[0] |= planes[-1]
        planes = low
    return planes[0]
