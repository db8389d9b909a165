"""What games of discs on cells have in common: colours, turns that pass on, scores, features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor

from workers.games.board import board_named
from workers.games.game import key_of, shared_win
from workers.games.planes import Embedding, relative_features


class DiscState(NamedTuple):
    """B games: colours (0 empty, seat + 1, players + 1 neutral), and whose turn with what moves."""

    colours: Tensor  # uint8 [cells, B]
    moves: Tensor  # bool [n_actions, B], the mover's legal actions
    seat: Tensor  # uint8 [B]
    over: Tensor  # bool [B]


class DiscGame(ABC):
    """A game of discs on a board; of a `TensorGame` it lacks the rules of one move."""

    name: str
    rules: str

    def __init__(self, board: str, players: int, max_moves: int, device: str | torch.device):
        self.device = torch.device(device)
        self.layout = board_named(board)
        self.board = board
        self.players = players
        self.max_moves = max_moves
        self.key = key_of(board, players)
        self.cells = self.layout.cells
        self.n_actions = self.cells + 1
        self.height = self.width = self.layout.side
        self.channels = players + 3
        self._plane = torch.tensor(self.layout.plane, device=self.device)
        self._embedding = Embedding(self.layout, self.device)

    @abstractmethod
    def _played(self, state: DiscState, actions: Tensor) -> Tensor:
        """The colours after `actions`, uint8 [cells, B]; a pass, the last action, changes none."""

    @abstractmethod
    def _moves(self, colours: Tensor, seat: Tensor) -> tuple[Tensor, Tensor]:
        """Legal actions of `seat`, bool [n_actions, B], and whether there are any, bool [B]."""

    @abstractmethod
    def symmetries(self) -> Tensor:
        """The board's symmetries, int64 [8 or 12, n_actions]."""

    def init(self, count: int) -> DiscState:
        """`count` games at their start."""
        return DiscState(*(part.expand(*part.shape[:-1], count).clone() for part in self._start))

    def legal(self, state: DiscState) -> Tensor:
        """The mover's actions, bool [n_actions, B]; the last, a pass, is never chosen."""
        return state.moves

    def step(self, state: DiscState, actions: Tensor) -> tuple[DiscState, Tensor]:
        """Plays the actions and passes the turn on; see `TensorGame.step`."""
        colours = self._played(state, actions.masked_fill(state.over, self.n_actions - 1))
        if self.device.type == "cpu":
            return self._turned(state, colours)
        return self._turned_at_once(state, colours)

    def done(self, state: DiscState) -> Tensor:
        """Which games are finished, bool [B]."""
        return state.over

    def mover(self, state: DiscState) -> Tensor:
        """Whose turn it is, int64 [B]."""
        return state.seat.long()

    def scores(self, state: DiscState) -> Tensor:
        """Discs of each seat, int64 [players, B]."""
        seats = torch.arange(1, self.players + 1, dtype=torch.uint8, device=self.device)
        discs = (state.colours == seats[:, None, None]).view(torch.uint8)
        return discs.sum(1, dtype=torch.int16).long()

    def returns(self, state: DiscState) -> Tensor:
        """Shares of the win by discs, float32 [players, B], sum 0."""
        return shared_win(self.scores(state))

    def features(self, state: DiscState) -> Tensor:
        """Discs of the mover, of the next seats in turn, neutral; legal cells; the board itself.

        float32 [B, players + 3, height, width], batch last in memory.
        """
        return relative_features(
            state.colours, state.seat, state.moves, self.players, self._embedding
        )

    def action_plane(self) -> Tensor:
        """Where each cell lies in the flattened plane, int64 [cells]."""
        return self._plane

    def _following(self, seat: Tensor) -> Tensor:
        after = seat + 1
        return after * (after < self.players).view(torch.uint8)

    def _turned(self, state: DiscState, colours: Tensor) -> tuple[DiscState, Tensor]:
        """The next seat's turn; the few games where it must pass are looked at once more.

        Faster than `_turned_at_once` on a CPU at any batch; a GPU would wait for the few.
        """
        seat = torch.where(state.over, state.seat, self._following(state.seat))
        moves, able = self._moves(colours, seat)
        after = DiscState(colours, moves, seat, state.over.clone())
        passes = torch.zeros_like(seat, dtype=torch.int64)
        stuck = torch.nonzero(~(able | state.over)).flatten()
        if len(stuck):
            self._pass_on(after, passes, stuck)
        return after, passes

    def _turned_at_once(self, state: DiscState, colours: Tensor) -> tuple[DiscState, Tensor]:
        """The same by looking at the moves of all seats: wider operations, and nothing waits."""
        count, seats = len(state.seat), [self._following(state.seat)]
        while len(seats) < self.players:
            seats.append(self._following(seats[-1]))
        moves, able = self._moves(colours.repeat(1, self.players), torch.cat(seats))
        moves, able = moves.view(-1, self.players, count), able.view(self.players, count)
        mine, seat, free = moves[:, 0], torch.where(state.over, state.seat, seats[0]), ~able[0]
        passes = torch.zeros_like(seat)
        for passed in range(1, self.players):
            turn = free & able[passed]
            mine = mine | (moves[:, passed] & turn)
            seat = torch.where(turn, seats[passed], seat)
            passes.add_(turn, alpha=passed)
            free = free & ~able[passed]
        return DiscState(colours, mine, seat, free), passes.long()

    def _pass_on(self, state: DiscState, passes: Tensor, stuck: Tensor) -> None:
        """Finds for the games `stuck` the next seat with a move, or ends them; in place."""
        colours, seat = state.colours.index_select(1, stuck), state.seat.index_select(0, stuck)
        for passed in range(1, self.players):
            if not len(stuck):
                return
            seat = self._following(seat)
            moves, able = self._moves(colours, seat)
            found = torch.nonzero(able).flatten()
            games = stuck.index_select(0, found)
            state.moves.index_copy_(1, games, moves.index_select(1, found))
            state.seat.index_copy_(0, games, seat.index_select(0, found))
            passes.index_fill_(0, games, passed)
            left = torch.nonzero(~able).flatten()
            stuck, seat = stuck.index_select(0, left), seat.index_select(0, left)
            colours = colours.index_select(1, left)
        state.over.index_fill_(0, stuck, True)

    def _set_start(self, discs: dict[int, int]) -> None:
        """Keeps the start: cell to seat counted from 1, or 0 for a neutral disc."""
        colours = torch.zeros((self.cells, 1), dtype=torch.uint8, device=self.device)
        for cell, disc in discs.items():
            colours[cell] = disc or self.players + 1
        first = torch.zeros(1, dtype=torch.uint8, device=self.device)
        moves, _ = self._moves(colours, first)
        self._start = DiscState(colours, moves, first, torch.zeros_like(first, dtype=torch.bool))
