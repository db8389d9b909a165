"""Symmetries of boards as permutations of actions."""

from __future__ import annotations

import torch
from torch import Tensor

from workers.games.board import Board, Place


def action_symmetries(board: Board, steps: tuple[Place, ...], device: torch.device) -> Tensor:
    """Permutations of the actions "cell", then "cell by step" for each of `steps`, then a pass.

    int64 [S, cells * (1 + len(steps)) + 1]: action a becomes action [s, a]. Step k belongs to the
    actions cells * (1 + k) + cell; `steps` must be closed under the board's symmetries.
    """
    number = {step: k for k, step in enumerate(steps)}
    rows = []
    for moved, turn in zip(board.symmetries(), board.turns(), strict=True):
        row = list(moved)
        for step in steps:
            row += [board.cells * (1 + number[turn(*step)]) + cell for cell in moved]
        rows.append([*row, board.cells * (1 + len(steps))])
    return torch.tensor(rows, device=device)


def permuted(values: Tensor, permutation: Tensor) -> Tensor:
    """Moves `values` [n_actions, ...] of actions to where `permutation` [n_actions] sends them."""
    return torch.empty_like(values).index_copy_(0, permutation, values)


def permuted_planes(features: Tensor, permutation: Tensor, plane: Tensor) -> Tensor:
    """The features [B, C, H, W] of the symmetric states; off the board nothing changes.

    `permutation` is a row of `symmetries()`, `plane` the game's `action_plane()`.
    """
    flat = features.flatten(2)
    target = plane.index_select(0, permutation[: len(plane)])
    return flat.index_copy(2, target, flat.index_select(2, plane)).view_as(features)
