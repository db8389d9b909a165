"""States of games: named tuples of tensors whose last dimension is the batch.

A state of B games is a NamedTuple of tensors shaped [..., B]. These functions know nothing else of
a game, so they serve every game that keeps to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

State = tuple[Tensor, ...]
S = TypeVar("S", bound=State)


def size(state: State) -> int:
    """How many games the state holds."""
    return int(state[0].shape[-1])


def _like(state: S, tensors: Sequence[Tensor]) -> S:
    return type(state)._make(tensors)  # type: ignore[attr-defined, no-any-return]


def take(state: S, index: Tensor) -> S:
    """The games at `index` (int64 [K]), as a state of their own."""
    # Gather and scatter by an expanded index are several times faster than index_select and
    # index_copy_ along the last dimension.
    return _like(state, [p.gather(-1, index.expand(*p.shape[:-1], len(index))) for p in state])


def put(state: S, index: Tensor, part: S) -> None:
    """Writes the K games of `part` over those at `index` (int64 [K], no index twice), in place."""
    for whole, piece in zip(state, part, strict=True):
        whole.scatter_(-1, index.expand(piece.shape), piece)


def cat(states: Sequence[S]) -> S:
    """The games of all `states`, one after the other."""
    return _like(states[0], [torch.cat(parts, -1) for parts in zip(*states, strict=True)])


def empty_like(state: S, count: int) -> S:
    """Room for `count` games of the same kind, filled with zeros."""
    return _like(state, [part.new_zeros((*part.shape[:-1], count)) for part in state])


def clone(state: S) -> S:
    """A copy that shares no memory with `state`."""
    return _like(state, [part.clone() for part in state])
