"""Random numbers by counter: what a game draws depends on its own key alone, never on its neighbours in the batch.

SplitMix64 (Steele, Lea, Flood 2014) over int64 tensors; overflow wraps as it does there.
"""

import math

import torch
from torch import Tensor

_GOLDEN = -0x61C8864680B583EB  # 0x9E3779B97F4A7C15 as a signed number
_FIRST = -0x40A7B892E31B1A47  # 0xBF58476D1CE4E5B9
_SECOND = -0x6B2FB644ECCEEE15  # 0x94D049BB133111EB
_TRIES = 6  # of Marsaglia and Tsang's method: each refuses less than 5 %


def mix(numbers: Tensor) -> Tensor:
    """int64 of any shape → int64 of the same shape, each bit depending on all bits."""
    out = numbers ^ _shifted(numbers, 30)
    out = out * _FIRST
    out = out ^ _shifted(out, 27)
    out = out * _SECOND
    return out ^ _shifted(out, 31)


def keys_at(seeds: Tensor, plies: Tensor) -> Tensor:
    """int64 [B]: the key of each game's next move, from its seed and the plies it has played, both int64 [B]."""
    return mix(seeds + (plies + 1) * _GOLDEN)


def uniform(keys: Tensor, stream: int, count: int) -> Tensor:
    """float32 [B, count] in (0, 1): what the keys int64 [B] draw for a purpose numbered ``stream``."""
    numbers = torch.arange(count, device=keys.device) + (stream * 0x100000 + 1)
    bits = mix(keys[:, None] + numbers * _GOLDEN)
    return (_shifted(bits, 41) + 0.5) * (1.0 / (1 << 23))  # 23 bits: the largest is below 1


def gumbel(keys: Tensor, stream: int, count: int) -> Tensor:
    """float32 [B, count]: the largest of log weight + gumbel is a draw by weight."""
    return -torch.log(-torch.log(uniform(keys, stream, count)))


def dirichlet(keys: Tensor, stream: int, allowed: Tensor, concentration: float) -> Tensor:
    """float32 [B, A], each row with an allowed entry summing to 1, nothing where ``allowed`` [B, A] is 0 or False.

    ``concentration`` is spread evenly over a row's allowed entries.
    """
    alpha = concentration / allowed.sum(1, keepdim=True).clamp(min=1)
    drawn = _gamma(keys, stream, alpha, allowed.shape[1]) * allowed
    return drawn / drawn.sum(1, keepdim=True).clamp(min=1e-30)


def _gamma(keys: Tensor, stream: int, alpha: Tensor, count: int) -> Tensor:
    """Gamma(alpha) for alpha [B, 1]: Marsaglia and Tsang (2000) for alpha + 1, then its boost."""
    d = alpha + (1 - 1 / 3)
    c = 1 / (9 * d).sqrt()
    found = d.expand(
        -1, count
    )  # the mode, where all tries refuse: less than once in 10 million draws
    for number in range(_TRIES):
        one, two, three = (uniform(keys, stream + 1 + 3 * number + i, count) for i in range(3))
        normal = (-2 * one.log()).sqrt() * torch.cos(2 * math.pi * two)
        cube = (1 + c * normal) ** 3
        taken = (cube > 0) & (
            three.log() < 0.5 * normal**2 + d - d * cube + d * cube.clamp(min=1e-30).log()
        )
        found = torch.where(taken, d * cube, found)
    return found * uniform(keys, stream, count) ** (1 / alpha)


def _shifted(numbers: Tensor, bits: int) -> Tensor:
    """To the right without the sign."""
    return (numbers >> bits) & ((1 << (64 - bits)) - 1)
