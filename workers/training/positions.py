"""Games to samples: every move is replayed by the rules, and only what they allow is learned from."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from workers.games.game import TensorGame
from workers.games.replay import Walk, columns
from workers.games.state import State, cat, take
from workers.records.record import GameRecord
from workers.training.targets import Target, outcome, read_targets

_NO_ACTIONS, _NO_WEIGHTS = np.zeros(0, np.int64), np.zeros(0, np.float32)


class Samples(NamedTuple):
    """M positions that have a target. ``first[i]`` to ``first[i + 1]`` are the pairs of sample i."""

    states: State
    values: Tensor
    """float32 [M, P]: what came of the game, relative to the mover."""
    first: Tensor
    """int64 [M + 1]"""
    actions: Tensor
    """int64 [pairs]"""
    weights: Tensor
    """float32 [pairs], those of a sample sum to 1."""

    def __len__(self) -> int:
        return len(self.first) - 1


class Replayed(NamedTuple):
    """``illegal``: per game, whether the rules forbid it. ``owed`` and ``covered``: its plies that should
    have a target, and those that have one whose every action is legal. ``samples`` are the latter."""

    illegal: list[bool]
    owed: list[int]
    covered: list[int]
    samples: Samples


def replay(game: TensorGame, records: Sequence[GameRecord]) -> Replayed:
    """All games side by side, a ply at a time, on the game's device."""
    if not records:
        return Replayed([], [], [], _none(game))
    read = [read_targets(record) for record in records]
    walk = Walk(game, len(records))
    found = _Found(game, records)
    moves = columns([record.moves for record in records], walk.fault.device)
    by_ply = _by_ply([targets for targets, _ in read], len(moves))
    for ply, here in zip(moves, by_ply, strict=True):
        found.collect(walk, here)
        walk.step(ply)
    illegal = _illegal(walk, records) | _foreign(game, records)
    samples, covered = found.samples(illegal)
    owed = [0 if bad else count for bad, (_, count) in zip(illegal.tolist(), read, strict=True)]
    return Replayed(illegal.tolist(), owed, covered, samples)


def _by_ply(targets: Sequence[Sequence[Target]], plies: int) -> list[list[tuple[int, Target]]]:
    """For each ply the (game, target) there."""
    found: list[list[tuple[int, Target]]] = [[] for _ in range(plies)]
    for number, of_game in enumerate(targets):
        for target in of_game:
            found[target.ply].append((number, target))
    return found


def _foreign(game: TensorGame, records: Sequence[GameRecord]) -> Tensor:
    """bool [B]: games of another configuration."""
    identity = (game.name, game.rules, game.board, game.players)
    return torch.tensor([(r.game, r.rules, r.board, r.players) != identity for r in records])


def _illegal(walk: Walk, records: Sequence[GameRecord]) -> Tensor:
    """bool [B]: what is no game by the rules, or ended otherwise than recorded."""
    done = walk.game.done(walk.state)
    scores = walk.game.scores(walk.state).t()
    told = torch.tensor([record.scores for record in records])
    natural = torch.tensor([record.termination == "natural" for record in records])
    resigned = torch.tensor([record.termination == "resign" for record in records])
    unfair = torch.tensor([_best(record) != set(record.winners) for record in records])
    differs = (scores != told).any(1) | (done != natural) | unfair
    return (walk.fault != 0) | torch.where(resigned, done, differs)


def _best(record: GameRecord) -> set[int]:
    """The seats with the most points."""
    return {seat for seat, score in enumerate(record.scores) if score == max(record.scores)}


class _Found:
    """The samples met on the way, ply after ply."""

    def __init__(self, game: TensorGame, records: Sequence[GameRecord]) -> None:
        self.game = game
        self.outcomes = torch.tensor([outcome(record) for record in records]).reshape(
            len(records), game.players
        )
        self.games: list[Tensor] = []
        self.legal: list[Tensor] = []
        self.states: list[Any] = []
        self.seats: list[Tensor] = []
        self.targets: list[Target] = []

    def collect(self, walk: Walk, here: Sequence[tuple[int, Target]]) -> None:
        if not here:
            return
        index = torch.tensor([number for number, _ in here])
        state = take(walk.state, index)
        targets = [target for _, target in here]
        self.games.append(index)
        self.states.append(state)
        self.seats.append(self.game.mover(state))
        self.targets += targets
        self.legal.append(_all_legal(walk.legal, index, targets))

    def samples(self, illegal: Tensor) -> tuple[Samples, list[int]]:
        """Of the games that are legal, and how many each of them has."""
        if not self.targets:
            return _none(self.game), [0] * len(illegal)
        games = torch.cat(self.games)
        keep = torch.nonzero(torch.cat(self.legal) & ~illegal[games]).flatten()
        covered = torch.bincount(games[keep], minlength=len(illegal)).tolist()
        kept = [self.targets[number] for number in keep.tolist()]
        values = _relative(self.outcomes[games], torch.cat(self.seats))[keep]
        return Samples(take(cat(self.states), keep), values, *_flat(kept)), covered


def _none(game: TensorGame) -> Samples:
    nowhere = torch.zeros(0, dtype=torch.int64)
    return Samples(take(game.init(1), nowhere), torch.zeros(0, game.players), *_flat([]))


def _all_legal(legal: Tensor, index: Tensor, targets: Sequence[Target]) -> Tensor:
    """bool [K]: whether each target gives weight to legal actions only. ``legal`` is [n_actions, B]."""
    first, actions, weights = _flat(targets)
    row = torch.repeat_interleave(torch.arange(len(targets)), first.diff())
    known = actions < legal.shape[0]
    allowed = known & legal[actions.clamp(max=legal.shape[0] - 1), index[row]]
    wrong = (~allowed & ((weights > 0) | ~known)).long()
    return torch.zeros(len(targets), dtype=torch.int64).index_add_(0, row, wrong) == 0


def _flat(targets: Sequence[Target]) -> tuple[Tensor, Tensor, Tensor]:
    """first, actions and weights of ``Samples``."""
    counts = torch.tensor([0, *(len(target.actions) for target in targets)])
    actions = np.concatenate([_NO_ACTIONS, *(target.actions for target in targets)])
    weights = np.concatenate([_NO_WEIGHTS, *(target.weights for target in targets)])
    return counts.cumsum(0), torch.from_numpy(actions), torch.from_numpy(weights)


def _relative(outcomes: Tensor, seats: Tensor) -> Tensor:
    """[M, P] by absolute seat, to the mover first and then in turn order."""
    players = outcomes.shape[1]
    order = (seats[:, None] + torch.arange(players)) % players
    return outcomes.gather(1, order)
