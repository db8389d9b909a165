"""Samples to the tensors of one step, each seen through one of the board's symmetries."""

from typing import NamedTuple

import torch
from torch import Tensor

from workers.games.game import TensorGame
from workers.games.state import take
from workers.training.positions import Samples


class Batch(NamedTuple):
    """float32: features [B, C, H, W], policy [B, n_actions], values [B, P] relative to the mover."""

    features: Tensor
    policy: Tensor
    values: Tensor

    def to(self, device: torch.device) -> "Batch":
        return Batch(
            self.features.to(device, memory_format=torch.channels_last),
            self.policy.to(device),
            self.values.to(device),
        )


class Maker:
    """Makes batches of one game's samples, on the CPU."""

    def __init__(self, game: TensorGame, augment: bool) -> None:
        self.game = game
        found = game.symmetries().cpu()
        self.symmetries = found if augment else found[:1]
        self.sources = _sources(
            self.symmetries, game.action_plane().cpu(), game.height * game.width
        )

    def turns(self, count: int, seed: int) -> Tensor:
        """A symmetry for each of ``count`` samples, int64 [count]."""
        chance = torch.Generator().manual_seed(seed)
        return torch.randint(len(self.symmetries), (count,), generator=chance)

    def make(self, samples: Samples, index: Tensor, turn: Tensor) -> Batch:
        """The samples at ``index`` (int64 [B]), each as its symmetry ``turn`` (int64 [B]) shows it."""
        features = self.game.features(take(samples.states, index))
        flat = features.flatten(2)
        turned = flat.gather(2, self.sources[turn][:, None, :].expand_as(flat)).view_as(features)
        return Batch(turned, self._policy(samples, index, turn), samples.values[index])

    def _policy(self, samples: Samples, index: Tensor, turn: Tensor) -> Tensor:
        count = samples.first[index + 1] - samples.first[index]
        row = torch.repeat_interleave(torch.arange(len(index)), count)
        within = torch.arange(len(row)) - (count.cumsum(0) - count)[row]
        pair = samples.first[index][row] + within
        action = self.symmetries[turn[row], samples.actions[pair]]
        policy = torch.zeros(len(index), self.game.n_actions)
        return policy.index_put_((row, action), samples.weights[pair], accumulate=True)


def _sources(symmetries: Tensor, plane: Tensor, places: int) -> Tensor:
    """int64 [S, H * W]: where each place of the turned plane comes from; a symmetry says that action a becomes
    ``symmetries[s, a]``, and its first columns are the cells'. Places off the board stay."""
    sources = torch.arange(places).repeat(len(symmetries), 1)
    if symmetries.shape[1] < len(plane):
        return sources
    goes = plane[symmetries[:, : len(plane)]]
    return sources.scatter_(1, goes, plane.expand_as(goes))
