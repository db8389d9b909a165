"""Reversi on four boards for two to four seats, `reversi/1`; two on `square8` play Othello.

The seat to move places a disc on an empty cell such that in some direction a run of discs, none
its own, ends in a disc of its own; all such runs turn to its colour. Without such a cell it is
passed over; when no seat has one, the game is over and the most discs win. Neutral discs can be
outflanked and belong to nobody.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from workers.games.board import Board, board_named
from workers.games.floods import Floods, any_of
from workers.games.game import UnknownGame, key_of, shared_win
from workers.games.planes import Embedding, relative_features
from workers.games.symmetry import action_symmetries

NAME = "reversi"
RULES = "reversi/1"
# Most plies that the rules could need, for 2, 3 and 4 seats. Reversi ends by itself.
MAX_MOVES = {
    "square8": (500, 800, 1200),
    "hex8": (500, 800, 1200),
    "square19": (1200, 1600, 2000),
    "hexagonal": (1200, 1600, 2000),
}
# Discs of the start by seats, clockwise, 0 for a neutral one.
SQUARE_START: dict[int, tuple[int, ...]] = {2: (2, 1, 2, 1), 3: (1, 2, 3, 0), 4: (1, 2, 3, 4)}
HEX_START: dict[int, tuple[int, ...]] = {
    2: (1, 2, 1, 2, 1, 2),
    3: (1, 2, 3, 1, 2, 3),
    4: (1, 2, 0, 3, 4, 0),
}


class ReversiState(NamedTuple):
    """B games: colours (0 empty, seat + 1, players + 1 neutral), and whose turn with what moves."""

    colours: Tensor  # uint8 [cells, B]
    moves: Tensor  # bool [cells + 1, B], the mover's legal actions
    seat: Tensor  # uint8 [B]
    over: Tensor  # bool [B]


class Reversi:
    """The game on `board` for `players` seats; raises UnknownGame for others than its own."""

    name = NAME
    rules = RULES

    def __init__(self, board: str, players: int, device: str | torch.device = "cpu") -> None:
        if board not in MAX_MOVES or players not in SQUARE_START:
            raise UnknownGame(
                f"reversi has the boards {', '.join(MAX_MOVES)} for 2 to 4 players, "
                f"not {board!r} for {players}"
            )
        self.device = torch.device(device)
        self.layout = board_named(board)
        self.board = board
        self.players = players
        self.key = key_of(board, players)
        self.cells = self.layout.cells
        self.n_actions = self.cells + 1
        self.max_moves = MAX_MOVES[board][players - 2]
        self.height = self.width = self.layout.side
        self.channels = players + 3
        self._floods = Floods(self.layout, self.device)
        self._plane = torch.tensor(self.layout.plane, device=self.device)
        self._embedding = Embedding(self.layout, self.device)
        self._start = self._first_state()

    def init(self, count: int) -> ReversiState:
        """`count` games at their start."""
        return ReversiState(*(part.expand(*part.shape[:-1], count).clone() for part in self._start))

    def legal(self, state: ReversiState) -> Tensor:
        """The mover's cells, bool [cells + 1, B]; the last, a pass, is never chosen."""
        return state.moves

    def step(self, state: ReversiState, actions: Tensor) -> tuple[ReversiState, Tensor]:
        """Places, flips and passes the turn on; see `TensorGame.step`."""
        count = len(actions)
        colour = state.seat + 1
        placed = self._placed(actions.masked_fill(state.over, self.cells))
        discs = self._floods.pack(state.colours.clamp_max(1))
        own = self._floods.pack((state.colours == colour).view(torch.uint8))
        turned = self._flips(placed, own, discs ^ own) | placed
        here = self._floods.unpack(turned[: self.cells], count)
        colours = state.colours + (colour - state.colours) * here
        seat = torch.where(state.over, state.seat, self._after(state.seat))
        moves, able = self._moves(colours, seat, discs | placed)
        after = ReversiState(colours, moves, seat, state.over.clone())
        passes = torch.zeros_like(actions)
        stuck = torch.nonzero(~(able | state.over)).flatten()
        if len(stuck):
            self._pass_on(after, passes, stuck)
        return after, passes

    def done(self, state: ReversiState) -> Tensor:
        """Which games are finished, bool [B]."""
        return state.over

    def mover(self, state: ReversiState) -> Tensor:
        """Whose turn it is, int64 [B]."""
        return state.seat.long()

    def scores(self, state: ReversiState) -> Tensor:
        """Discs of each seat, int64 [players, B]."""
        seats = torch.arange(1, self.players + 1, dtype=torch.uint8, device=self.device)
        discs = (state.colours == seats[:, None, None]).view(torch.uint8)
        return discs.sum(1, dtype=torch.int16).long()

    def returns(self, state: ReversiState) -> Tensor:
        """Shares of the win by discs, float32 [players, B], sum 0."""
        return shared_win(self.scores(state))

    def features(self, state: ReversiState) -> Tensor:
        """Discs of the mover, of the next seats in turn, neutral; legal cells; the board itself."""
        return relative_features(
            state.colours, state.seat, state.moves, self.players, self._embedding
        )  # fmt: skip

    def action_plane(self) -> Tensor:
        """Where each cell lies in the flattened plane, int64 [cells]."""
        return self._plane

    def symmetries(self) -> Tensor:
        """The board's symmetries, int64 [8 or 12, n_actions]."""
        return action_symmetries(self.layout, (), self.device)

    def _after(self, seat: Tensor) -> Tensor:
        following = seat + 1
        return following * (following < self.players).view(torch.uint8)

    def _placed(self, actions: Tensor) -> Tensor:
        one_hot = torch.zeros((self.n_actions, len(actions)), dtype=torch.uint8, device=self.device)
        return self._floods.pack(one_hot.scatter_(0, actions[None], 1)[: self.cells])

    def _flips(self, placed: Tensor, own: Tensor, others: Tensor) -> Tensor:
        """The discs that the placed ones turn, packed [cells + 1, W]."""
        runs = self._floods.runs(placed, others)
        ends = self._floods.beyond(runs).bitwise_and_(own)
        closed = any_of(ends[:, : self.cells].transpose(0, 1))
        return any_of(runs.bitwise_and_(closed[:, None]))

    def _moves(self, colours: Tensor, seat: Tensor, discs: Tensor) -> tuple[Tensor, Tensor]:
        """Legal actions of `seat`, bool [cells + 1, B], and whether there are any, bool [B]."""
        own = self._floods.pack((colours == seat + 1).view(torch.uint8))
        runs = self._floods.runs(own, discs ^ own)
        packed = any_of(self._floods.beyond(runs)).bitwise_and_(~discs)
        moves = self._floods.unpack(packed, len(seat))
        # The greatest of bytes, since `any` of booleans along columns is many times slower.
        return moves.view(torch.bool), moves.amax(0).view(torch.bool)

    def _pass_on(self, state: ReversiState, passes: Tensor, stuck: Tensor) -> None:
        """Finds for the games `stuck` the next seat with a move, or ends them; in place."""
        colours, seat = state.colours.index_select(1, stuck), state.seat.index_select(0, stuck)
        for passed in range(1, self.players):
            seat = self._after(seat)
            moves, able = self._moves(colours, seat, self._floods.pack(colours.clamp_max(1)))
            found = torch.nonzero(able).flatten()
            games = stuck.index_select(0, found)
            state.moves.index_copy_(1, games, moves.index_select(1, found))
            state.seat.index_copy_(0, games, seat.index_select(0, found))
            passes.index_fill_(0, games, passed)
            left = torch.nonzero(~able).flatten()
            stuck, seat = stuck.index_select(0, left), seat.index_select(0, left)
            colours = colours.index_select(1, left)
        state.over.index_fill_(0, stuck, True)

    def _first_state(self) -> ReversiState:
        colours = torch.zeros((self.cells, 1), dtype=torch.uint8, device=self.device)
        for cell, seat in start(self.layout, self.players).items():
            colours[cell] = seat or self.players + 1
        first = torch.zeros(1, dtype=torch.uint8, device=self.device)
        moves, _ = self._moves(colours, first, self._floods.pack(colours.clamp_max(1)))
        return ReversiState(colours, moves, first, torch.zeros_like(first, dtype=torch.bool))


def start(board: Board, players: int) -> dict[int, int]:
    """Discs of the start: cell to seat counted from 1, or 0 for a neutral disc."""
    centre = (board.side - 1) // 2
    steps, seats = board.directions, HEX_START[players]
    discs = {board.numbers[centre, centre]: 0}
    if not board.is_hexagonal:
        # Up-left of the centre where a side is odd.
        centre = (board.side - 2) // 2
        steps, seats = ((0, 0), (0, 1), (1, 1), (1, 0)), SQUARE_START[players]
        discs = {}
    for (down, right), seat in zip(steps, seats, strict=True):
        discs[board.numbers[centre + down, centre + right]] = seat
    return discs
