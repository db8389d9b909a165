"""The numbers a network is built from, and what it is built for."""

import re
from typing import TYPE_CHECKING, NamedTuple, Protocol

from workers.harness import Misconfigured

if TYPE_CHECKING:
    from torch import Tensor

_WRITTEN = re.compile(r"(?P<channels>\d+)x(?P<blocks>\d+)(?:v(?P<hidden>\d+))?")


class Board(Protocol):
    """What a network needs to know of a game; every ``TensorGame`` has it."""

    @property
    def name(self) -> str: ...
    @property
    def rules(self) -> str: ...
    @property
    def board(self) -> str: ...
    @property
    def players(self) -> int: ...
    @property
    def n_actions(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    def action_plane(self) -> "Tensor": ...


class Architecture(NamedTuple):
    """A residual tower; written ``32x2`` (channels x blocks) or ``32x2v64`` (with the value head's width)."""

    channels: int = 32
    blocks: int = 2
    value_hidden: int = 64

    def __str__(self) -> str:
        return f"{self.channels}x{self.blocks}v{self.value_hidden}"


def parse(text: str) -> Architecture:
    """Raises Misconfigured where the text is none."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise Misconfigured(f"{text!r} is no architecture; write CHANNELSxBLOCKS, as 32x2")
    channels, blocks = int(found["channels"]), int(found["blocks"])
    hidden = int(found["hidden"] or Architecture().value_hidden)
    if not (1 <= channels <= 1024 and 0 <= blocks <= 100 and 1 <= hidden <= 4096):
        raise Misconfigured(f"architecture {text}: 1-1024 channels, 0-100 blocks, 1-4096 hidden")
    return Architecture(channels, blocks, hidden)
