"""Games that the workers play: Reversi and Ataxx on tensors, and the seam for anybody else's.

`load_game` finds a game by name; a state of many games is handled by `take`, `put`, `cat`,
`empty_like`. This package needs torch.
"""

from workers.games.choosing import random_actions
from workers.games.game import GameError, TensorGame, UnknownGame
from workers.games.loading import load_game
from workers.games.state import State, cat, clone, empty_like, put, size, take

__all__ = [
    "GameError",
    "State",
    "TensorGame",
    "UnknownGame",
    "cat",
    "clone",
    "empty_like",
    "load_game",
    "put",
    "random_actions",
    "size",
    "take",
]
