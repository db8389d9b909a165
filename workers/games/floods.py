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
        """Packs uint8 [cells, B] of 0 and 1 to uint8 [cells + 1, W]."""
        cells, count = planes.shape
        width = -(-count // 8)
        slabs = pad(planes, (0, 8 * width - count)).view(cells, 8, width)
        packed = planes.new_zeros((cells + 1, width))
        total = slabs[:, 7]
        for k in range(6, 0, -1):
            total = torch.add(slabs[:, k], total, alpha=2)
        torch.add(slabs[:, 0], total, alpha=2, out=packed[:cells])
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
        reached = seed | self._near(through, seed)
        paved = self._near(through, through)
        for number, hop in enumerate(self.hops[1:]):
            reached = reached | (paved & self._far(reached, hop))
            if number < len(self.hops) - 2:
                paved = paved & self._far(paved, hop)
        return reached & through

    def beyond(self, runs: Tensor) -> Tensor:
        """The cell after each run, [directions, cells + 1, W]; within a run, its other cells."""
        return self._far(runs, self.hops[0])

    def _near(self, here: Tensor, plane: Tensor) -> Tensor:
        return plane.index_select(0, self.first).view(self.directions, *plane.shape) & here

    def _far(self, planes: Tensor, hop: Tensor) -> Tensor:
        return planes.flatten(0, 1).index_select(0, hop).view(planes.shape)


def any_of(planes: Tensor, dim: int) -> Tensor:
    """Bitwise or along `dim`, which goes. (Torch has no such reduction.)"""
    length = planes.shape[dim]
    while length > 1:
        half = length // 2
        low = planes.narrow(dim, 0, half) | planes.narrow(dim, half, half)
        if length % 2:
            low.select(dim, 0).bitwise_or_(planes.select(dim, length - 1))
        planes, length = low, half
    return planes.select(dim, 0)
