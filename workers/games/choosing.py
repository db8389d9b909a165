"""Uniformly random legal actions for many games at once."""

from __future__ import annotations

import torch
from torch import Tensor

FEW = 9  # rows that one small product of matrices is faster for than further halving


def random_actions(legal: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """One of the legal actions per game, each equally likely; int64 [B].

    `legal` is bool [n_actions, B]; a game without legal actions gets some action, which `step`
    ignores. One random number a game is drawn; the action of that rank is found by halving the
    list of actions, since sums along rows are fast where searches along columns are not.
    """
    left = legal.view(torch.uint8)
    if len(left) > 255:
        left = left.to(torch.int16 if len(left) < 2**15 else torch.int32)
    total = left.sum(0, dtype=left.dtype)
    chance = torch.rand(total.shape, generator=generator, device=left.device)
    # Below `total`: the product with a number below 1 of 24 bits is rounded down.
    rank = (chance * total).to(left.dtype)
    action = torch.zeros_like(rank, dtype=torch.int32)
    while len(left) > FEW:
        # An odd number of rows shares the middle one, which counts as low.
        skipped = len(left) // 2
        low, high = left[: len(left) - skipped], left[skipped:]
        before = low.sum(0, dtype=left.dtype)
        up = (rank >= before).to(left.dtype)
        if len(low) > skipped:
            before = before - low[-1]
        rank = rank - before * up
        action.add_(up, alpha=skipped)
        left = low ^ ((low ^ high) * up)
    return (action + _of_rank(left, rank)).long()


def _of_rank(left: Tensor, rank: Tensor) -> Tensor:
    """Which row holds the one of `rank` (from 0) among the ones of each column of `left`."""
    sums = torch.ones((len(left), len(left)), device=left.device).tril() @ left.float()
    passed = (sums <= rank.float()).view(torch.uint8).sum(0, dtype=torch.uint8)
    return passed.clamp_max_(len(left) - 1)
