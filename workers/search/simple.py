"""Ways to choose a move without a tree: the raw network, chance, and the most points at once."""

import torch
from torch import Tensor

from workers.games.game import TensorGame
from workers.games.state import State, take
from workers.search.evaluators import Evaluator, by_seat
from workers.search.searcher import Searched

_CHUNK = 4096  # positions that greedy looks at in one step


class PolicySearcher:
    """The network's own policy; weights are its probabilities over the legal moves."""

    name = "policy"
    targets = False

    def __init__(self, game: TensorGame, evaluate: Evaluator) -> None:
        self.evaluate = evaluate
        self._game = game

    @torch.inference_mode()
    def search(self, states: State, keys: Tensor | None = None) -> Searched:
        legal = self._game.legal(states).t()
        evaluation = self.evaluate(states)
        weights = torch.where(legal, evaluation.logits, -torch.inf).softmax(1)
        values = by_seat(evaluation.values, self._game.mover(states))
        # a probability that rounds to nothing is still a legal move, and not the other way round
        return Searched(weights.clamp(min=1e-12) * legal, values, len(weights), len(weights))


class RandomSearcher:
    """Each legal move weighs the same."""

    name = "random"
    targets = False

    def __init__(self, game: TensorGame) -> None:
        self._game = game

    @torch.inference_mode()
    def search(self, states: State, keys: Tensor | None = None) -> Searched:
        return Searched(self._game.legal(states).t().float(), None, 0, 0)


class GreedySearcher:
    """The moves after which the mover leads by most points weigh the same, the others nothing."""

    name = "greedy"
    targets = False

    def __init__(self, game: TensorGame) -> None:
        self._game = game

    @torch.inference_mode()
    def search(self, states: State, keys: Tensor | None = None) -> Searched:
        legal = self._game.legal(states).t()
        games, moves = legal.nonzero(as_tuple=True)
        movers = self._game.mover(states)
        leads = torch.full(legal.shape, -torch.inf, device=legal.device)
        for at in range(0, len(games), _CHUNK):
            rows, tried = games[at : at + _CHUNK], moves[at : at + _CHUNK]
            after, _ = self._game.step(take(states, rows), tried)
            leads[rows, tried] = _lead(self._game.scores(after), movers[rows])
        best = leads.amax(1, keepdim=True)
        return Searched(((leads == best) & legal).float(), None, 0, 0)


def _lead(scores: Tensor, movers: Tensor) -> Tensor:
    """float32 [K]: the mover's points less the best of the others', from scores int64 [P, K]."""
    own = scores.gather(0, movers[None, :])
    others = scores.scatter(0, movers[None, :], -(1 << 30)).amax(0)
    return (own[0] - others).float()
