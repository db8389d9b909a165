"""Small networks that never learned, saved as the trainer saves them."""

from __future__ import annotations

from pathlib import Path

import torch

from workers.games import TensorGame
from workers.network.architecture import Architecture
from workers.network.checkpoint import save_checkpoint
from workers.network.metadata import meta_of
from workers.network.network import Network
from workers.network.pointers import read_pointer, swap_pointer

TINY = Architecture(4, 0, 4)


def saved(folder: Path, game: TensorGame, step: int) -> str:
    """The name of a new checkpoint, which is ``latest`` now."""
    torch.manual_seed(step)
    weights = Network(game, TINY).state_dict()
    name = save_checkpoint(folder, weights, meta_of(game, TINY, step=step)).name
    assert swap_pointer(folder, "latest", read_pointer(folder, "latest"), name)
    return name
