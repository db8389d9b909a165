"""The held-out shards: what the weights that play make of games they never learned from."""

from collections.abc import Callable

import torch
from torch import Tensor

from workers.games.game import TensorGame
from workers.training import groups
from workers.training.batches import Batch, Maker
from workers.training.data import newest
from workers.training.listing import Entry
from workers.training.losses import agreement, losses

_GAMES = 400
_SAMPLES = 4096
_BATCH = 512


class Validation:
    """Keeps its positions until other shards are the newest."""

    def __init__(self, game: TensorGame) -> None:
        self._game = game
        self._entries: tuple[Entry, ...] = ()
        self._batches: list[Batch] = []

    def measure(
        self,
        network: Callable[[Tensor], tuple[Tensor, Tensor]],
        held_out: tuple[Entry, ...],
        device: torch.device,
    ) -> dict[str, float]:
        """Losses and agreement by name; nothing where no shard is held out. Raises CorruptData."""
        self._read(tuple(newest(held_out, _GAMES)))
        if not self._batches:
            return {}
        sums = torch.zeros(3)
        with torch.inference_mode():
            for batch in self._batches:
                there = batch.to(device)
                policy, value = network(there.features)
                found = losses(policy, value, there, 1.0)
                row = torch.stack((found.policy, found.value, agreement(policy, there))).cpu()
                sums += row * len(batch.features)
        means = (sums / sum(len(batch.features) for batch in self._batches)).tolist()
        return dict(
            zip(("held_out/policy", "held_out/value", "held_out/agreement"), means, strict=True)
        )

    def _read(self, entries: tuple[Entry, ...]) -> None:
        if entries == self._entries:
            return
        self._entries, self._batches = entries, []
        if not entries:
            return
        samples = groups.load(self._game, entries).samples
        maker = Maker(self._game, augment=False)
        for start in range(0, min(_SAMPLES, len(samples)), _BATCH):
            index = torch.arange(start, min(start + _BATCH, len(samples)))
            self._batches.append(maker.make(samples, index, torch.zeros_like(index)))
