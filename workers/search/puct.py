"""PUCT for many games in lock-step: one leaf a game, one call of the evaluator a simulation.

The rule of AlphaZero (Silver et al. 2018) for any number of players: each move keeps the mean value to the
seat that makes it, out of values for all seats. Prior noise at the root as there, its concentration spread
over the legal moves as in KataGo (Wu 2019).
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from workers.games.game import TensorGame
from workers.games.state import State
from workers.search.evaluators import Evaluator, by_seat
from workers.search.randomness import dirichlet
from workers.search.searcher import Searched
from workers.search.tree import Tree

_NOISE_STREAM = 100
_FAR = 1e9  # taken from the logits of illegal moves: beside the others they come to nothing


class SearchInterrupted(Exception):
    """Nothing came of it."""


class PuctSettings(NamedTuple):
    simulations: int = 32
    exploration: float = 1.25
    first_play_reduction: float = 0.2
    """How much less than its position an untried move is taken to be worth; nothing at the root."""
    noise_share: float = 0.25
    """Of the root's priors, where a search is given keys."""
    noise_concentration: float = 10.0
    """Of the Dirichlet distribution, spread over the legal moves."""


class PuctSearcher:
    """Keeps the memory of its largest search. Values and visits are those of the roots."""

    targets = True

    def __init__(
        self, game: TensorGame, evaluate: Evaluator, settings: PuctSettings | None = None
    ) -> None:
        self.evaluate = evaluate
        self.interrupted: Callable[[], bool] = _never
        """Asked before each simulation."""
        self.settings = settings or PuctSettings()
        self.name = f"puct:{self.settings.simulations}"
        self._game = game
        self._tree: Tree | None = None
        self._room = 0

    @torch.inference_mode()
    def search(self, states: State, keys: Tensor | None = None) -> Searched:
        """Weights are the root's visits; with keys the root's priors are noisy. Raises SearchInterrupted."""
        movers = self._game.mover(states)
        games, simulations = len(movers), self.settings.simulations
        tree = self._trees(games)
        found = self._open_root(tree, states, movers, keys)
        wasted = self._game.done(states).sum()
        for node in range(1, simulations + 1):
            if self.interrupted():
                raise SearchInterrupted
            path = tree.descend(games)
            after, _ = self._game.step(*tree.leaf(path))
            values, over = self._add(tree, node, after)
            tree.grow(path, node, values)
            found += values
            wasted = wasted + over.sum()
        asked = games * (simulations + 1)
        return Searched(tree.visits(games), found / (simulations + 1), asked - int(wasted), asked)

    def _trees(self, games: int) -> Tree:
        if self._tree is None or self._room < games:
            settings = self.settings
            self._tree = None  # its memory goes before the next one's comes
            self._tree = Tree(self._game, games, settings.simulations + 1, settings.exploration)
            self._room = games
        return self._tree

    def _open_root(self, tree: Tree, states: State, movers: Tensor, keys: Tensor | None) -> Tensor:
        """float32 [B, P]: the values of the roots by seat."""
        legal = _legal(self._game, states)
        evaluation = self.evaluate(states)
        priors = _priors(evaluation.logits, legal)
        share = self.settings.noise_share
        if keys is not None and share > 0:
            noise = dirichlet(keys, _NOISE_STREAM, legal, self.settings.noise_concentration)
            priors = torch.lerp(priors, noise, share)
        over = self._game.done(states)
        tree.write(0, states, movers, over, legal, priors, evaluation.values[:, 0])
        return by_seat(evaluation.values, movers)

    def _add(self, tree: Tree, node: int, states: State) -> tuple[Tensor, Tensor]:
        """Makes a node of the positions; their values float32 [B, P] by seat, and which games are over."""
        game = self._game
        movers, over, legal = game.mover(states), game.done(states), _legal(game, states)
        evaluation = self.evaluate(states)
        priors = _priors(evaluation.logits, legal)
        first_play = evaluation.values[:, 0] - self.settings.first_play_reduction
        tree.write(node, states, movers, over, legal, priors, first_play)
        values = by_seat(evaluation.values, movers)
        return torch.where(over[:, None], game.returns(states).t(), values), over


def _never() -> bool:
    return False


def _legal(game: TensorGame, states: State) -> Tensor:
    """float32 [B, A] of 0 and 1."""
    return game.legal(states).float().t().contiguous()


def _priors(logits: Tensor, legal: Tensor) -> Tensor:
    """float32 [B, A] from logits and legal moves of that shape; 0 where a move is illegal."""
    likely = torch.add(logits, legal - 1, alpha=_FAR).softmax(1)
    return likely.mul_(legal)
