"""What a position is worth and which moves look good: a network, or nothing at all."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from workers.games.game import TensorGame
from workers.games.state import State

Forward = Callable[[Tensor], tuple[Tensor, Tensor]]


class Evaluation(NamedTuple):
    logits: Tensor
    """float32 [B, n_actions], illegal moves included."""
    values: Tensor
    """float32 [B, P], relative to the mover: index 0 is the mover, then in turn order."""


class Evaluator(Protocol):
    def __call__(self, states: State) -> Evaluation: ...


class NetworkEvaluator:
    """One call of a network for all positions: ``forward`` takes features [B, C, H, W] in ``dtype`` and gives
    policy logits and relative values."""

    def __init__(
        self, game: TensorGame, forward: Forward, dtype: torch.dtype = torch.float32
    ) -> None:
        self._game = game
        self._forward = forward
        self._dtype = dtype

    def __call__(self, states: State) -> Evaluation:
        logits, values = self._forward(self._game.features(states).to(self._dtype))
        return Evaluation(logits.float(), values.float())


class UniformEvaluator:
    """Every move is as good as the next, and nobody is ahead: what remains is the search alone."""

    def __init__(self, game: TensorGame) -> None:
        self._game = game

    def __call__(self, states: State) -> Evaluation:
        movers = self._game.mover(states)
        logits = torch.zeros(len(movers), self._game.n_actions, device=movers.device)
        return Evaluation(logits, logits.new_zeros(len(movers), self._game.players))


def by_seat(relative: Tensor, movers: Tensor) -> Tensor:
    """float32 [B, P] by absolute seat, from values relative to the movers int64 [B]."""
    players = relative.shape[1]
    seats = torch.arange(players, device=relative.device)
    return relative.gather(1, (seats[None, :] - movers[:, None]) % players)
