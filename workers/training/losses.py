"""How far a network is from what the games teach."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from workers.training.batches import Batch


class Losses(NamedTuple):
    """Means over the batch: cross entropy to the visits in nats, squared error of the values."""

    policy: Tensor
    value: Tensor
    total: Tensor


def losses(policy: Tensor, value: Tensor, batch: Batch, value_weight: float) -> Losses:
    """Of logits [B, n_actions] and values [B, P]; computed in float32, whatever the network's type."""
    entropy = -(batch.policy * functional.log_softmax(policy.float(), dim=1)).sum(1).mean()
    error = functional.mse_loss(value.float(), batch.values)
    return Losses(entropy, error, entropy + value_weight * error)


def agreement(policy: Tensor, batch: Batch) -> Tensor:
    """Share of the batch where the network's first choice is the search's."""
    return (policy.argmax(1) == batch.policy.argmax(1)).to(torch.float32).mean()
