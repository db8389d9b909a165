"""A small residual convolutional network: a policy over actions and a value for each seat."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.network.architecture import Architecture, Board

_HEAD_PLANES = 4
_LEAK = 0.1  # a head of few units that rectifies fully was dead for ever after some beginnings


class Block(nn.Module):
    """x + f(x) without normalisation: the second convolution starts at zero, so a deep tower starts as the
    identity (Fixup, arXiv 1901.09321), one row of a batch never depends on another, and a rank's gradient
    is that of its rows alone."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(functional.relu(self.first(x))))


class Network(nn.Module):
    """Features [B, C, H, W] to policy logits [B, n_actions] and values [B, players] in [-1, 1].

    Values are relative to the mover: index 0 is the mover, then the seats in turn order. Actions that are
    laid out as plane * cells + cell, then a pass, have a spatial head: a logit is its cell's own; others have
    one dense layer. The value head sees every cell by itself, because a mean over the board did not learn.
    """

    action_plane: Tensor

    def __init__(self, game: Board, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        width = architecture.channels
        self.stem = nn.Conv2d(game.channels, width, 3, padding=1)
        self.tower = nn.Sequential(*(Block(width) for _ in range(architecture.blocks)))
        plane = torch.as_tensor(game.action_plane(), dtype=torch.int64).cpu().clone()
        self.register_buffer("action_plane", plane, persistent=False)
        planes, rest = divmod(game.n_actions - 1, len(plane))
        spatial = planes > 0 and rest == 0
        flat = _HEAD_PLANES * game.height * game.width
        self.head = nn.Conv2d(width, _HEAD_PLANES, 1)
        self.cells = nn.Conv2d(width, planes, 1) if spatial else None
        self.actions = nn.Linear(flat, 1 if spatial else game.n_actions)
        self.hidden = nn.Linear(flat, architecture.value_hidden)
        self.value = nn.Linear(architecture.value_hidden, game.players)
        self._begin()

    def _begin(self) -> None:
        """A new network's policy is near uniform and its values near zero."""
        for layer in (self.cells, self.actions, self.value):
            if layer is not None:
                nn.init.normal_(layer.weight, std=0.01)
                nn.init.zeros_(cast(Tensor, layer.bias))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        trunk = self.tower(functional.relu(self.stem(features)))
        flat = functional.leaky_relu(self.head(trunk), _LEAK).flatten(1)
        policy = self.actions(flat)
        if self.cells is not None:
            spatial = self.cells(trunk).flatten(2)[:, :, self.action_plane].flatten(1)
            policy = torch.cat((spatial, policy), dim=1)
        value = torch.tanh(self.value(functional.leaky_relu(self.hidden(flat), _LEAK)))
        return policy, value


def build(game: Board, architecture: Architecture) -> Network:
    """A new network on the CPU, in channels_last (two to three times as fast on a CPU), from torch's
    random numbers: seed them for the same network again."""
    return Network(game, architecture).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
