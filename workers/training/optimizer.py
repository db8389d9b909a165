"""The step from gradients to weights: AdamW, warm-up and cosine, clipping, and the averaged weights."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from workers.harness import Misconfigured
from workers.training.settings import Settings

_FLOOR = 0.1
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def adamw(network: nn.Module, settings: Settings) -> torch.optim.AdamW:
    """Weights decay, biases do not."""
    named = [parameter for _, parameter in network.named_parameters()]
    decayed = [parameter for parameter in named if parameter.ndim > 1]
    plain = [parameter for parameter in named if parameter.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate)


def rate_at(step: int, settings: Settings) -> float:
    """Of the step number ``step``, counted from 0: a straight warm-up, then a cosine to a tenth."""
    top = settings.learning_rate
    if step < settings.warmup_steps:
        return top * (step + 1) / settings.warmup_steps
    length = max(1, settings.schedule_steps - settings.warmup_steps)
    part = min(1.0, (step - settings.warmup_steps) / length)
    return top * (_FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * part)))


def advance(
    optimizer: torch.optim.Optimizer, network: nn.Module, rate: float, clip: float
) -> float:
    """Applies the gradients, clipped, and gives their norm; where that is no number nothing is changed."""
    norm = float(nn.utils.clip_grad_norm_(network.parameters(), clip))
    if math.isfinite(norm):
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return norm


class Diverged(Exception):
    """The weights, or too many gradients in a row, are no numbers any more."""


class Average:
    """The weights that play: an exponential moving average, quicker at first (step / (step + 10))."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors = {
            name: value.detach().clone() for name, value in network.state_dict().items()
        }

    @torch.no_grad()
    def follow(self, network: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            self.tensors[name].lerp_(value.detach(), 1 - decay)


def to_tensors(network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The weights as they are trained, and the optimizer's moments, by the parameters' names."""
    found = {f"weights.{name}": value for name, value in network.state_dict().items()}
    for name, parameter in network.named_parameters():
        for moment, value in optimizer.state.get(parameter, {}).items():
            found[f"{moment}.{name}"] = torch.as_tensor(value)
    return found


def from_tensors(
    tensors: Mapping[str, Tensor], network: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """What ``to_tensors`` gave. Raises Misconfigured where it is of another network."""
    try:
        network.load_state_dict({name: tensors[f"weights.{name}"] for name in network.state_dict()})
    except (KeyError, RuntimeError) as error:
        raise Misconfigured(f"the state of training is not of this network: {error}") from error
    for name, parameter in network.named_parameters():
        moments = {m: tensors[f"{m}.{name}"] for m in _MOMENTS if f"{m}.{name}" in tensors}
        if moments:
            optimizer.state[parameter] = {m: _placed(m, v, parameter) for m, v in moments.items()}


def _placed(moment: str, value: Tensor, parameter: Tensor) -> Tensor:
    """The moments lie as the parameter does; the count of steps stays on the CPU."""
    return value.clone() if moment == "step" else torch.empty_like(parameter).copy_(value)
