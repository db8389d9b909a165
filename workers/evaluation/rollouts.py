"""A baseline without knowledge: Monte Carlo tree search, a leaf worth what one random game from it gave."""

import torch
from torch import Tensor

from workers.games import State, TensorGame
from workers.search import Evaluation, PuctSearcher, PuctSettings, choose, keys_at


class RolloutEvaluator:
    """Every move is as good as the next; values are the returns of one random game.

    That game depends on the position and ``seed`` alone, so that it is the same in any batch.
    """

    def __init__(self, game: TensorGame, seed: int) -> None:
        self._game = game
        self._seed = seed
        cells = game.channels * game.height * game.width
        numbers = torch.arange(cells, device=game.action_plane().device)
        self._weights = keys_at(torch.full_like(numbers, seed), numbers)

    def __call__(self, states: State) -> Evaluation:
        game = self._game
        movers = game.mover(states)
        seats = torch.arange(game.players, device=movers.device)
        returns = self._played_out(states).t()
        values = returns.gather(1, (movers[:, None] + seats) % game.players)
        return Evaluation(values.new_zeros(len(movers), game.n_actions), values)

    def _played_out(self, states: State) -> Tensor:
        """float32 [P, B] by absolute seat."""
        game = self._game
        positions = game.features(states).flatten(1).to(torch.int64)
        keys = (positions * self._weights).sum(1) + self._seed
        cold = torch.zeros(len(keys), device=keys.device)
        for ply in range(game.max_moves):
            if bool(game.done(states).all()):
                break
            legal = game.legal(states).t().float()
            states, _ = game.step(
                states, choose(legal, keys_at(keys, torch.full_like(keys, ply)), cold)
            )
        return game.returns(states)


def mcts(game: TensorGame, simulations: int, seed: int) -> PuctSearcher:
    """The tree of PUCT with even priors: rollouts are all it learns from."""
    found = PuctSearcher(game, RolloutEvaluator(game, seed), PuctSettings(simulations=simulations))
    found.name = f"mcts:{simulations}"
    return found
