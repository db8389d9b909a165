"""What a game is to the workers: one protocol, in tensors, many games at a time."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from workers.games.state import State


class GameError(ValueError):
    """A game that does not exist, or was asked for what it does not have.

    GameError
    ├── UnknownGame          no such game, board or number of players
    ├── IllegalMove          a list of moves that the rules do not allow (`replay`)
    ├── Nonconforming        a game that breaks the protocol (`conformance`)
    └── ExternalGameFailed   a command that did not deliver its games (`external`)
    """


class UnknownGame(GameError):
    """No such game, board or number of players."""


class TensorGame(Protocol):
    """A game for `players` seats on `board`, played B games at a time.

    A state is a NamedTuple of tensors with the batch as last dimension (`workers.games.state`).
    No method changes its arguments; what a method returns may share memory with them.
    Actions are numbers below `n_actions`, laid out as plane * cells + cell, then a pass, where a
    game has a board and passes. Seats are numbered from 0.
    """

    @property
    def name(self) -> str:
        """What the game is called: `reversi`."""

    @property
    def rules(self) -> str:
        """Name and version of the rules: `reversi/1`. Records with other rules do not replay."""

    @property
    def board(self) -> str:
        """The board: `square8`."""

    @property
    def players(self) -> int:
        """How many seats."""

    @property
    def key(self) -> str:
        """The configuration: `square8_2p`."""

    @property
    def n_actions(self) -> int:
        """How many actions there are, pass included."""

    @property
    def max_moves(self) -> int:
        """Plies, forced passes counted, after which whoever plays ends the game by its scores.

        `step` does not count plies: the cap is kept by the loop that plays.
        """

    @property
    def channels(self) -> int:
        """Planes of `features`."""

    @property
    def height(self) -> int:
        """Rows of `features`."""

    @property
    def width(self) -> int:
        """Columns of `features`."""

    def init(self, count: int) -> State:
        """`count` games at their start."""

    def legal(self, state: Any) -> Tensor:
        """Which actions the mover has, bool [n_actions, B]; none in a finished game.

        A forced pass is no choice: `step` makes it, and it is not listed here.
        """

    def step(self, state: Any, actions: Tensor) -> tuple[State, Tensor]:
        """Plays `actions` (int64 [B], legal ones; not checked here).

        Returns the new state and the number of forced passes that followed, int64 [B]: seats
        without a move are passed over until one has a move. Passes that end the game count as
        none. Finished games stay as they are, whatever their action.
        """

    def done(self, state: Any) -> Tensor:
        """Which games are finished, bool [B]."""

    def mover(self, state: Any) -> Tensor:
        """Whose turn it is, int64 [B]; of a finished game any seat."""

    def scores(self, state: Any) -> Tensor:
        """What each seat has, int64 [players, B]; the most wins, equal maxima share."""

    def returns(self, state: Any) -> Tensor:
        """What each seat gets if the game ends here, float32 [players, B] in [-1, 1], sum 0."""

    def features(self, state: Any) -> Tensor:
        """Input of a network, float32 [B, channels, height, width], relative to the mover."""

    def action_plane(self) -> Tensor:
        """Where each cell lies in the flattened height * width plane, int64 [cells]."""

    def symmetries(self) -> Tensor:
        """Symmetries as permutations, int64 [S, n_actions]; the first is the identity.

        Row s says that action a becomes action `symmetries()[s, a]`. The first `cells` columns are
        the permutation of the cells too; a game whose actions are not laid out like that has the
        identity only.
        """


def shared_win(scores: Tensor) -> Tensor:
    """Returns from scores [players, B]: the winners share 1 evenly, then all are shifted to sum 0.

    float32 [players, B]. A lone winner gets 1, each of its opponents -1 / (players - 1), a draw
    of all 0.
    """
    players = scores.shape[0]
    won = (scores == scores.amax(0, keepdim=True)).to(torch.float32)
    return (won / won.sum(0, keepdim=True) * players - 1) / (players - 1)


def key_of(board: str, players: int) -> str:
    """The configuration key: `square8_2p`."""
    return f"{board}_{players}p"
