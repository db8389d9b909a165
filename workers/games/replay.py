"""Plays lists of moves again, many games at once, and says which break the rules, where and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from workers.games.game import GameError, TensorGame
from workers.games.state import State, clone, put, take

PASS = -1
ENDED = -2  # fills up the columns of games that are over
ILLEGAL, NEEDLESS_PASS, MISSING_PASS, TOO_LONG = 1, 2, 3, 4
WORDS = {
    ILLEGAL: "is not legal",
    NEEDLESS_PASS: "is a pass, but the seat had a move",
    MISSING_PASS: "leaves out the pass of a seat without a move",
    TOO_LONG: "comes after the end of the game",
}


class IllegalMove(GameError):
    """A list of moves that the rules do not allow."""


class Replay(NamedTuple):
    """What became of B lists of moves."""

    faults: list[str | None]  # what is wrong with each, None where nothing is
    state: State  # where each stands, a broken one before its first fault
    done: list[bool]  # whether the game is over there


def replay(game: TensorGame, games: Sequence[Sequence[int]]) -> Replay:
    """Replays each list of moves from the start; -1 is a forced pass, and each must be there.

    Nothing is raised: a list that breaks the rules has words in `faults`.
    """
    walk = Walk(game, len(games))
    for moves in columns(games, walk.fault.device):
        walk.step(moves)
    codes, plies = walk.fault.tolist(), walk.at.tolist()
    owed = walk.owed.tolist()
    faults = [
        _words(moves, code, ply, left)
        for moves, code, ply, left in zip(games, codes, plies, owed, strict=True)
    ]
    return Replay(faults, walk.state, game.done(walk.state).tolist())


def require(game: TensorGame, games: Sequence[Sequence[int]]) -> State:
    """The states after the lists of moves; raises IllegalMove, which names the first bad list."""
    found = replay(game, games)
    for number, fault in enumerate(found.faults):
        if fault:
            raise IllegalMove(f"game {number} breaks {game.rules} on {game.key}: {fault}")
    return found.state


def columns(games: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    """int64 [plies, B] of moves, -2 after a game's end."""
    plies = max(map(len, games), default=0)
    rows = [[*moves, *[ENDED] * (plies - len(moves))] for moves in games]
    return (
        torch.tensor(rows, dtype=torch.int64, device=device)
        .reshape(len(games), plies)
        .t()
        .contiguous()
    )


def _words(moves: Sequence[int], code: int, ply: int, owed: int) -> str | None:
    if code:
        return f"ply {ply}: move {moves[ply]} {WORDS[code]}"
    if owed:
        return f"ply {len(moves)}: the list ends where {owed} forced passes are missing"
    return None


class Walk:
    """B games on their way; each stands still from its first fault on.

    ``state`` and ``legal`` (bool [n_actions, B]) are of now, ``fault`` int64 [B] is 0 where nothing is wrong.
    """

    def __init__(self, game: TensorGame, count: int) -> None:
        self.game = game
        self.state: State = clone(game.init(count))
        self.legal = game.legal(self.state)
        device = self.state[0].device
        self.fault = torch.zeros(count, dtype=torch.int64, device=device)
        self.at = torch.zeros_like(self.fault)
        self.owed = torch.zeros_like(self.fault)  # forced passes that must be listed next
        self.ply = 0

    def step(self, moves: Tensor) -> None:
        """Checks and plays one ply, int64 [B]."""
        listed = (moves != ENDED) & (self.fault == 0)
        passed = moves == PASS
        due = self.owed > 0
        action = moves.clamp(0, self.game.n_actions - 1)
        allowed = self.legal.gather(0, action[None])[0] & (moves == action)
        over = self.game.done(self.state) & ~due
        self._blame(listed & over, TOO_LONG)
        self._blame(listed & due & ~passed, MISSING_PASS)
        self._blame(listed & passed & ~due, NEEDLESS_PASS)
        self._blame(listed & ~passed & ~allowed, ILLEGAL)
        good = listed & (self.fault == 0)
        self.owed -= (good & passed).long()
        self._play(torch.nonzero(good & ~passed).flatten(), action)
        self.ply += 1

    def _blame(self, games: Tensor, code: int) -> None:
        first = games & (self.fault == 0)
        self.fault = self.fault.masked_fill(first, code)
        self.at = self.at.masked_fill(first, self.ply)

    def _play(self, index: Tensor, action: Tensor) -> None:
        if not len(index):
            return
        if len(index) == len(action):  # mostly all are played on, and nothing need be gathered
            self.state, self.owed = self.game.step(self.state, action)
        else:
            part, passes = self.game.step(take(self.state, index), action.index_select(0, index))
            put(self.state, index, part)
            self.owed.index_copy_(0, index, passes)
        self.legal = self.game.legal(self.state)
