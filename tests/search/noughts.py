"""Noughts and crosses on tensors: small enough that a search must see all of it."""

from typing import NamedTuple

import torch
from torch import Tensor

_LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))


class Squares(NamedTuple):
    marks: Tensor  # uint8 [2, 9, B]
    turn: Tensor  # uint8 [B]


class Noughts:
    name, rules, board, players, key = "noughts", "noughts/1", "square3", 2, "square3_2p"
    n_actions, max_moves, channels, height, width = 9, 9, 2, 3, 3

    def init(self, count: int) -> Squares:
        return Squares(
            torch.zeros(2, 9, count, dtype=torch.uint8), torch.zeros(count, dtype=torch.uint8)
        )

    def scores(self, state: Squares) -> Tensor:
        lines = torch.tensor(_LINES)
        return state.marks[:, lines].amin(2).amax(1).long()

    def returns(self, state: Squares) -> Tensor:
        scores = self.scores(state).float()
        return scores - scores.flip(0)

    def done(self, state: Squares) -> Tensor:
        return (self.scores(state).amax(0) > 0) | (state.marks.sum((0, 1)) == 9)

    def legal(self, state: Squares) -> Tensor:
        return (state.marks.amax(0) == 0) & ~self.done(state)

    def step(self, state: Squares, actions: Tensor) -> tuple[Squares, Tensor]:
        games = torch.arange(len(actions))
        marks = state.marks.clone()
        going = (~self.done(state)).byte()
        marks[state.turn.long(), actions, games] += going
        return Squares(marks, state.turn ^ going), torch.zeros_like(actions)

    def mover(self, state: Squares) -> Tensor:
        return state.turn.long()

    def features(self, state: Squares) -> Tensor:
        mine = torch.where(state.turn == 0, state.marks[0], state.marks[1])
        theirs = state.marks.amax(0) - mine
        return torch.stack((mine, theirs)).permute(2, 0, 1).reshape(-1, 2, 3, 3).float()

    def action_plane(self) -> Tensor:
        return torch.arange(9)

    def symmetries(self) -> Tensor:
        grid = torch.arange(9).view(3, 3)
        turned = [torch.rot90(grid, k) for k in range(4)]
        return torch.stack([g.flatten() for t in turned for g in (t, t.flip(1))])


def position(game: Noughts, rows: str) -> Squares:
    """From `XO. / ... / ...`; X began, and whoever has fewer marks is to move."""
    cells = [c for c in rows if c in "XO."]
    state = game.init(1)
    for cell, mark in enumerate(cells):
        if mark != ".":
            state.marks["XO".index(mark), cell] = 1
    state.turn[:] = int(cells.count("X") > cells.count("O"))
    return state
