"""How the moves of all games under way are found."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from workers.games import State, TensorGame, take
from workers.search import (
    Evaluator,
    PolicySearcher,
    PuctSearcher,
    Searched,
    Searcher,
    choose,
    make_searcher,
)
from workers.search.randomness import uniform

_CAP_STREAM = 2


class Decision(NamedTuple):
    moves: Tensor
    """int64 [B]"""
    weights: Tensor
    """float32 [B, n_actions]"""
    values: Tensor | None
    """float32 [B, P] by seat."""
    targets: Tensor
    """bool [B]: whose weights are worth training towards."""
    evaluations: int
    asked: int


class Decider:
    """``cap``: the share of moves that are searched in full, and the simulations of the others.

    Full searches have noise at the root; fast ones have none, and are no targets (KataGo, Wu 2019).
    """

    def __init__(
        self,
        game: TensorGame,
        search: str,
        evaluate: Evaluator | None,
        temperature_plies: int = 16,
        cap: tuple[float, int] | None = None,
    ) -> None:
        self._full: Searcher = make_searcher(search, game, evaluate)
        self._share, fast = cap or (1.0, 0)
        self._fast = make_searcher(f"puct:{fast}", game, evaluate) if fast else self._full
        self._temperature_plies = temperature_plies
        self.name = f"{self._full.name}, cap {self._share:g}:{fast}" if fast else self._full.name

    def ask(self, evaluate: Evaluator) -> None:
        """From now on asks another network."""
        for searcher in (self._full, self._fast):
            if isinstance(searcher, PuctSearcher | PolicySearcher):
                searcher.evaluate = evaluate

    def interrupted(self, asked: Callable[[], bool]) -> None:
        """A search is given up once ``asked()`` says so."""
        for searcher in (self._full, self._fast):
            if isinstance(searcher, PuctSearcher):
                searcher.interrupted = asked

    def decide(self, states: State, keys: Tensor, turns: Tensor) -> Decision:
        """``keys`` int64 [B] and ``turns`` int64 [B], the moves that each game has made. Raises
        SearchInterrupted."""
        found, full = self._search(states, keys)
        temperatures = (turns < self._temperature_plies).float()
        moves = choose(found.weights, keys, temperatures)
        targets = full if self._full.targets else torch.zeros_like(full)
        return Decision(moves, found.weights, found.values, targets, found.evaluations, found.asked)

    def _search(self, states: State, keys: Tensor) -> tuple[Searched, Tensor]:
        """And which games were searched in full, bool [B]."""
        full = uniform(keys, _CAP_STREAM, 1)[:, 0] <= self._share
        chosen, others = full.nonzero()[:, 0], (~full).nonzero()[:, 0]
        if not len(others):
            return self._full.search(states, keys), full
        fast = self._fast.search(take(states, others))
        if not len(chosen):
            return fast, full
        slow = self._full.search(take(states, chosen), keys.index_select(0, chosen))
        return _woven(slow, chosen, fast, others), full


def _woven(one: Searched, first: Tensor, other: Searched, second: Tensor) -> Searched:
    """The results of two parts of a batch, in the batch's order."""
    order = torch.cat((first, second)).argsort()
    weights = torch.cat((one.weights, other.weights)).index_select(0, order)
    values = None
    if one.values is not None and other.values is not None:
        values = torch.cat((one.values, other.values)).index_select(0, order)
    return Searched(weights, values, one.evaluations + other.evaluations, one.asked + other.asked)
