"""Counts the lines of play of a depth, a forced pass being one ply."""

from __future__ import annotations

import torch

from workers.games.game import TensorGame
from workers.games.state import take


def perft(game: TensorGame, depth: int) -> int:
    """How many lines of `depth` plies there are from the start, all walked side by side."""
    state, left, lines = game.init(1), torch.tensor([depth]), 0
    while len(left):
        lines += int((left <= 0).sum())
        going = torch.nonzero(left > 0).flatten()
        state, left = take(state, going), left[going]
        actions, parents = torch.nonzero(game.legal(state), as_tuple=True)
        state, passes = game.step(take(state, parents), actions)
        left = left[parents] - 1 - passes
    return lines
