"""Connect-k, the plug-in of these tests: once in tensors, once for one position at a time."""

from __future__ import annotations

import re
from typing import NamedTuple

import torch
from torch import Tensor

from workers.games.game import UnknownGame, key_of, shared_win

LINES = ((0, 1), (1, 0), (1, 1), (1, -1))


def sizes(board: str) -> tuple[int, int, int]:
    """Columns, rows and k of a board like `7x6k4`."""
    found = re.fullmatch(r"(\d+)x(\d+)k(\d+)", board)
    if not found:
        raise UnknownGame(f"connect has boards like 7x6k4, not {board!r}")
    columns, rows, k = map(int, found.groups())
    return columns, rows, k


class ConnectState(NamedTuple):
    """B games; the winner is 0 for none, seat + 1, or 9 for a full board."""

    colours: Tensor  # int64 [rows, columns, B]
    seat: Tensor  # int64 [B]
    winner: Tensor  # int64 [B]


class Connect:
    """Discs fall into columns; k in a line win. No passes; the score is 1 for the winner."""

    name, rules, channels = "connect", "connect/1", 3

    def __init__(self, board: str, players: int, device: str = "cpu") -> None:
        self.width, self.height, self.k = sizes(board)
        self.board, self.players, self.key = board, players, key_of(board, players)
        self.n_actions, self.max_moves = self.width, self.width * self.height

    def init(self, count: int) -> ConnectState:
        none = torch.zeros(count, dtype=torch.int64)
        colours = torch.zeros((self.height, self.width, count), dtype=torch.int64)
        return ConnectState(colours, none, none.clone())

    def legal(self, state: ConnectState) -> Tensor:
        return (state.colours[-1] == 0) & (state.winner == 0)

    def step(self, state: ConnectState, actions: Tensor) -> tuple[ConnectState, Tensor]:
        games = torch.arange(len(actions))
        live = state.winner == 0
        row = (state.colours[:, actions, games] != 0).sum(0).clamp_max(self.height - 1)
        colours = state.colours.clone()
        here = torch.where(live, state.seat + 1, colours[row, actions, games])
        colours[row, actions, games] = here
        winner = torch.where(live, self._winner(colours, state.seat + 1), state.winner)
        seat = torch.where(live, (state.seat + 1) % self.players, state.seat)
        return ConnectState(colours, seat, winner), torch.zeros_like(actions)

    def _winner(self, colours: Tensor, colour: Tensor) -> Tensor:
        own = torch.nn.functional.pad((colours == colour).long(), (0, 0, *[self.k] * 4))
        won = torch.zeros_like(colour, dtype=torch.bool)
        for down, right in LINES:
            run = own
            for _ in range(self.k - 1):
                run = own * run.roll((down, right), (0, 1))
            won |= run.flatten(0, 1).amax(0) > 0
        full = (colours[-1] != 0).all(0)
        return torch.where(won, colour, torch.where(full, 9, 0))

    def done(self, state: ConnectState) -> Tensor:
        return state.winner != 0

    def mover(self, state: ConnectState) -> Tensor:
        return state.seat

    def scores(self, state: ConnectState) -> Tensor:
        return (state.winner == torch.arange(1, self.players + 1)[:, None]).long()

    def returns(self, state: ConnectState) -> Tensor:
        return shared_win(self.scores(state))

    def features(self, state: ConnectState) -> Tensor:
        own, empty = state.colours == state.seat + 1, state.colours == 0
        return torch.stack((own, ~own & ~empty, empty)).permute(3, 0, 1, 2).float()

    def action_plane(self) -> Tensor:
        return torch.arange(self.height * self.width)

    def symmetries(self) -> Tensor:
        return torch.arange(self.n_actions)[None]


class ScalarConnect:
    """The same game for `ScalarAdapter`; a position is the columns, from below, 0 for empty."""

    name, rules = "connect", "connect/1"

    def __init__(self, board: str, players: int, device: str = "cpu") -> None:
        self.columns, self.rows, self.k = sizes(board)
        self.board, self.players = board, players
        self.n_actions, self.max_moves = self.columns, self.columns * self.rows
        self.shape = (3, self.rows, self.columns)

    def start(self) -> bytes:
        return bytes(self.columns * self.rows)

    def legal(self, position: bytes) -> list[int]:
        return [c for c in range(self.columns) if not position[(c + 1) * self.rows - 1]]

    def play(self, position: bytes, action: int) -> bytes:
        cells = bytearray(position)
        cells[position.index(0, action * self.rows)] = self.mover(position) + 1
        return bytes(cells)

    def skip(self, position: bytes) -> bytes:
        raise AssertionError("nobody passes in this game")

    def done(self, position: bytes) -> bool:
        return any(self.scores(position)) or 0 not in position

    def mover(self, position: bytes) -> int:
        return sum(map(bool, position)) % self.players

    def scores(self, position: bytes) -> list[int]:
        return [int(self._wins(position, seat + 1)) for seat in range(self.players)]

    def _wins(self, position: bytes, colour: int) -> bool:
        own = {divmod(n, self.rows) for n, disc in enumerate(position) if disc == colour}
        lines = ([(x + n * a, y + n * b) for n in range(self.k)] for x, y in own for a, b in LINES)
        return any(own.issuperset(line) for line in lines)

    def features(self, position: bytes) -> list[float]:
        mine = self.mover(position) + 1
        discs = [position[x * self.rows + y] for y in range(self.rows) for x in range(self.columns)]
        planes = (
            [d == mine for d in discs],
            [d not in (0, mine) for d in discs],
            [not d for d in discs],
        )
        return [float(here) for plane in planes for here in plane]
