"""Uniformly random legal actions for many games at once."""

from __future__ import annotations

import torch
from torch import Tensor


def random_actions(legal: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """One of the legal actions per game, each equally likely; int64 [B].

    `legal` is bool [n_actions, B]; a game without legal actions gets some action, which `step`
    ignores. One random number a game is drawn; the action with that rank is found by halving the
    list of actions, since sums along rows are fast where searches along columns are not.
    """
    left = legal.view(torch.uint8)
    count = (len(left) + 1) // 2
    if count > 255:
        left = left.to(torch.int16)
    rank = _ranks(left, generator)
    action = rank.new_zeros(rank.shape, dtype=torch.int16)
    while len(left) > 1:
        half = (len(left) + 1) // 2
        low, high = left[:half], left[half:]
        before = low.sum(0, dtype=left.dtype).to(rank.dtype)
        up = (rank >= before).to(left.dtype)
        rank = rank - before * up
        action += up * half
        left = low * (1 - up)
        left[: len(high)] += high * up
    return action.long()


def _ranks(left: Tensor, generator: torch.Generator | None) -> Tensor:
    half = (len(left) + 1) // 2
    total = left[:half].sum(0, dtype=left.dtype).to(torch.int16)
    total += left[half:].sum(0, dtype=left.dtype)
    chance = torch.rand(total.shape, generator=generator, device=left.device)
    # Never reaches `total`: of a number below 1 in 24 bits, the product is rounded down.
    return (chance * total).to(torch.int16)
