"""Games that are written for one position at a time, made to fit the workers.

An adapted game is played by a Python loop over the batch: some thousand moves a second, where the
same game in tensors makes twenty times as many, and no more of them in a larger batch or on a GPU.
`cost` measures and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from workers.games.game import TensorGame, key_of, shared_win
from workers.games.random_play import rate


@runtime_checkable
class ScalarGame(Protocol):
    """A game of one position at a time; a position is `bytes` of one length for the whole game.

    Attributes mean what they mean in `TensorGame`; `shape` is channels, height, width.
    """

    name: str
    rules: str
    board: str
    players: int
    n_actions: int
    max_moves: int
    shape: tuple[int, int, int]

    def start(self) -> bytes:
        """The first position."""

    def legal(self, position: bytes) -> Sequence[int]:
        """Actions of the mover; none where it must pass or the game is over."""

    def play(self, position: bytes, action: int) -> bytes:
        """The position after a legal action."""

    def skip(self, position: bytes) -> bytes:
        """The position after a forced pass. Never called in games without any."""

    def done(self, position: bytes) -> bool:
        """Whether the game is over."""

    def mover(self, position: bytes) -> int:
        """The seat whose turn it is, from 0."""

    def scores(self, position: bytes) -> Sequence[int]:
        """What each seat has; the most wins."""

    def features(self, position: bytes) -> Sequence[float]:
        """The planes of `shape`, relative to the mover, flattened."""


class ScalarState(NamedTuple):
    """B positions."""

    positions: Tensor  # uint8 [length, B]


class ScalarAdapter:
    """A `ScalarGame` as `TensorGame`; every method loops over the batch in Python."""

    def __init__(self, game: ScalarGame, device: str | torch.device = "cpu") -> None:
        self.game = game
        self.device = torch.device(device)
        self.name, self.rules = game.name, game.rules
        self.board, self.players = game.board, game.players
        self.key = key_of(game.board, game.players)
        self.n_actions, self.max_moves = game.n_actions, game.max_moves
        self.channels, self.height, self.width = game.shape

    def init(self, count: int) -> ScalarState:
        """`count` games at their start."""
        return self._state([self.game.start()] * count)

    def legal(self, state: ScalarState) -> Tensor:
        """bool [n_actions, B]; none in a finished game."""
        positions = _positions(state)
        legal = torch.zeros((len(positions), self.n_actions), dtype=torch.bool)
        for row, position in zip(legal, positions, strict=True):
            row[list(self._actions(position))] = True
        return legal.t().contiguous().to(self.device)

    def step(self, state: ScalarState, actions: Tensor) -> tuple[ScalarState, Tensor]:
        """Plays each game's action and its forced passes; see `TensorGame.step`."""
        played = [
            self._played(position, action)
            for position, action in zip(_positions(state), actions.tolist(), strict=True)
        ]
        passes = torch.tensor([passed for _, passed in played], dtype=torch.int64)
        return self._state([position for position, _ in played]), passes.to(self.device)

    def done(self, state: ScalarState) -> Tensor:
        """bool [B]"""
        return self._tensor([self.game.done(p) for p in _positions(state)], torch.bool)

    def mover(self, state: ScalarState) -> Tensor:
        """int64 [B]"""
        return self._tensor([self.game.mover(p) for p in _positions(state)], torch.int64)

    def scores(self, state: ScalarState) -> Tensor:
        """int64 [players, B]"""
        rows = [list(self.game.scores(position)) for position in _positions(state)]
        return self._tensor(rows, torch.int64).reshape(-1, self.players).t()

    def returns(self, state: ScalarState) -> Tensor:
        """Shares of the win by scores, float32 [players, B], sum 0."""
        return shared_win(self.scores(state))

    def features(self, state: ScalarState) -> Tensor:
        """float32 [B, channels, height, width]"""
        rows = [list(self.game.features(position)) for position in _positions(state)]
        return self._tensor(rows, torch.float32).reshape(-1, *self.game.shape)

    def action_plane(self) -> Tensor:
        """Every place of the plane, int64 [height * width]."""
        return torch.arange(self.height * self.width, device=self.device)

    def symmetries(self) -> Tensor:
        """The identity alone, int64 [1, n_actions]."""
        return torch.arange(self.n_actions, device=self.device)[None]

    def _actions(self, position: bytes) -> Sequence[int]:
        return () if self.game.done(position) else self.game.legal(position)

    def _played(self, position: bytes, action: int) -> tuple[bytes, int]:
        if self.game.done(position):
            return position, 0
        position, passed = self.game.play(position, action), 0
        while not self.game.done(position) and not self.game.legal(position):
            position, passed = self.game.skip(position), passed + 1
        return position, passed

    def _state(self, positions: list[bytes]) -> ScalarState:
        length = len(self.game.start())
        flat = torch.frombuffer(bytearray(b"".join(positions) or b"\0"), dtype=torch.uint8)
        rows = flat[: length * len(positions)].view(len(positions), length)
        return ScalarState(rows.t().contiguous().to(self.device))

    def _tensor(self, values: list[int] | list[bool] | list[list[int]] | list[list[float]],
                dtype: torch.dtype) -> Tensor:  # fmt: skip
        return torch.tensor(values, dtype=dtype, device=self.device)


def _positions(state: ScalarState) -> list[bytes]:
    return [bytes(column) for column in state.positions.t().tolist()]


def cost(game: TensorGame, count: int = 64, seconds: float = 0.5) -> str:
    """Measures random play and says in words how fast the game is and why."""
    how = "one position at a time in Python" if isinstance(game, ScalarAdapter) else "in tensors"
    return f"{game.name} {game.key}: {rate(game, count, seconds):,.0f} moves/s, played {how}"
