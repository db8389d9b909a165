"""A board without rules: all that a network needs to know of a game."""

from typing import NamedTuple

import torch
from torch import Tensor


class Grid(NamedTuple):
    name: str = "grid"
    rules: str = "grid/1"
    board: str = "grid4"
    players: int = 2
    n_actions: int = 17
    channels: int = 3
    height: int = 4
    width: int = 4

    def action_plane(self) -> Tensor:
        return torch.arange(16)
