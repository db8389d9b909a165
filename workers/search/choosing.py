"""From weights to a move."""

import torch
from torch import Tensor

from workers.search.randomness import gumbel

_STREAM = 1


def choose(weights: Tensor, keys: Tensor, temperatures: Tensor) -> Tensor:
    """int64 [B]: a move of each game, by weight ** (1 / temperature).

    weights float32 [B, A], 0 where a move is never to be made; keys int64 [B]; temperatures float32 [B],
    0 for the heaviest move, a draw among equals.
    """
    noise = gumbel(keys, _STREAM, weights.shape[1])
    cold = (temperatures <= 0)[:, None]
    heaviest = weights == weights.amax(1, keepdim=True)
    warm = weights.log() / temperatures.clamp(min=1e-3)[:, None]
    level = torch.where(cold, torch.where(heaviest, 0.0, -torch.inf), warm)
    return (level + noise).argmax(1)
