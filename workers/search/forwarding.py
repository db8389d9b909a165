"""A network made ready to be asked, many times, the same way."""

import copy
import warnings
from typing import NamedTuple

import torch
from torch import Tensor, nn

from workers.search.evaluators import Forward

_SAME = {
    torch.float32: 1e-3,
    torch.bfloat16: 0.1,
}  # how far a frozen network may be from the plain one


class Manner(NamedTuple):
    """How a network is asked."""

    dtype: torch.dtype = torch.float32
    channels_last: bool = False

    def __str__(self) -> str:
        name = str(self.dtype).removeprefix("torch.")
        return f"{name}, channels_last" if self.channels_last else name


def make_forward(network: nn.Module, sample: Tensor, manner: Manner) -> Forward:
    """``network`` in the manner asked for; ``sample`` float32 [B, C, H, W] is what it will see.

    On a CPU it is frozen where torch can (weights laid out once, operations fused: up to twice as fast).
    The network itself is left as it is.
    """
    own = _copied(network, manner)
    layout = torch.channels_last if manner.channels_last else torch.contiguous_format
    example = sample.to(manner.dtype).contiguous(memory_format=layout)
    inner = _frozen(own, example) or own

    def forward(features: Tensor) -> tuple[Tensor, Tensor]:
        logits, values = inner(features.to(manner.dtype).contiguous(memory_format=layout))
        return logits.float(), values.float()

    return forward


def _copied(network: nn.Module, manner: Manner) -> nn.Module:
    layout = torch.channels_last if manner.channels_last else torch.contiguous_format
    return copy.deepcopy(network).eval().to(manner.dtype).to(memory_format=layout)  # type: ignore[call-overload,no-any-return]


@torch.inference_mode()
def _frozen(network: nn.Module, example: Tensor) -> nn.Module | None:
    """None where torch cannot, or where what it made answers otherwise."""
    if example.device.type != "cpu":
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a way that torch keeps but no longer praises
            traced = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
            frozen = torch.jit.optimize_for_inference(traced)
            answers, wanted = [frozen(example) for _ in range(3)][-1], network(example)
    except RuntimeError:
        return None
    near = _SAME.get(example.dtype, 0.0)
    same = all(
        torch.allclose(a.float(), b.float(), rtol=near, atol=near)
        for a, b in zip(answers, wanted, strict=True)
    )
    return frozen if same else None
