"""What every way of choosing moves gives."""

from typing import NamedTuple, Protocol

from torch import Tensor

from workers.games.state import State


class Searched(NamedTuple):
    weights: Tensor
    """float32 [B, n_actions]: how much is to be said for each move; 0 where it is illegal."""
    values: Tensor | None
    """float32 [B, P] by absolute seat in [-1, 1]: what the positions are worth; None where nobody asked."""
    evaluations: int
    """Positions that a network was asked about to a purpose."""
    asked: int
    """Positions it was asked about, those of games that are over included."""


class Searcher(Protocol):
    name: str
    """As records and match logs name it: `puct:32`, `policy`, `random`, `greedy`."""
    targets: bool
    """Whether its weights are worth training towards."""

    def search(self, states: State, keys: Tensor | None = None) -> Searched:
        """Weighs the moves of all positions, none of them over.

        ``keys`` int64 [B] are the games' random keys for this move; without them nothing is left to chance.
        """
        ...
