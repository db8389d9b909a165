"""Whole games of uniformly random legal moves, all side by side."""

from __future__ import annotations

import time
from typing import NamedTuple

import torch
from torch import Tensor

from workers.games.choosing import random_actions
from workers.games.game import TensorGame
from workers.games.replay import PASS


class Played(NamedTuple):
    """B finished games, T turns of the longest."""

    actions: Tensor  # int32 [T, B], what was played
    passes: Tensor  # int32 [T, B], forced passes that followed
    turns: Tensor  # int64 [B], how many turns of it are the game's
    scores: Tensor  # int64 [players, B]
    natural: Tensor  # bool [B], ended by the rules and not by the cap of `max_moves`

    def moves(self) -> list[list[int]]:
        """The lists of moves, forced passes as -1."""
        columns = zip(
            self.actions.t().tolist(), self.passes.t().tolist(), self.turns.tolist(), strict=True
        )
        return [_listed(actions[:turns], passes) for actions, passes, turns in columns]

    def plies(self) -> int:
        """All moves that were chosen, forced passes not counted."""
        return int(self.turns.sum())


def play_random(game: TensorGame, count: int, generator: torch.Generator | None = None) -> Played:
    """Plays `count` games to their end, or to `max_moves` plies."""
    state = game.init(count)
    live = ~game.done(state)
    natural = ~live
    turns = torch.zeros_like(live, dtype=torch.int64)
    plies = torch.zeros_like(turns)
    scores = game.scores(state)
    actions, passes = [], []
    while bool(live.any()):
        chosen = random_actions(game.legal(state), generator)
        state, passed = game.step(state, chosen)
        actions.append(chosen.to(torch.int32))
        passes.append(passed.to(torch.int32))
        turns += live
        plies += passed + 1
        done = game.done(state)
        ended = live & (done | (plies >= game.max_moves))
        if bool(ended.any()):
            # Those that the cap ended are played on beside the others; this is how they stood.
            scores = torch.where(ended, game.scores(state), scores)
            natural = natural | (ended & done)
            live = live & ~ended
    return Played(_stacked(actions, turns), _stacked(passes, turns), turns, scores, natural)


def rate(game: TensorGame, count: int, seconds: float = 1.0) -> float:
    """Moves of random play a second of CPU time, `count` games side by side.

    Plays whole batches until `seconds` have gone by, at least one after a first unmeasured one.
    """
    play_random(game, count)
    moves, began, deadline = 0, time.process_time(), time.monotonic() + seconds
    while not moves or time.monotonic() < deadline:
        moves += play_random(game, count).plies()
    return moves / (time.process_time() - began)


def _stacked(rows: list[Tensor], like: Tensor) -> Tensor:
    """int32 [T, B], also of no rows at all."""
    return torch.stack(rows) if rows else like.new_zeros((0, len(like)), dtype=torch.int32)


def _listed(actions: list[int], passes: list[int]) -> list[int]:
    moves = []
    for action, passed in zip(actions, passes, strict=False):
        moves += [action, *[PASS] * passed]
    return moves
