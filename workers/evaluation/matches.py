"""Plays matches of two players, all games of all openings in lock-step, a ply at a time."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from workers.evaluation.lineups import lineups
from workers.evaluation.match_result import Game, MatchResult, checked
from workers.evaluation.openings import Openings, derived
from workers.evaluation.participant import Ladder
from workers.evaluation.players import Player
from workers.games import State, TensorGame, take
from workers.search import keys_at

_GAME = 0x6A  # what a game's keys are for; openings have others


def ladder_of(game: TensorGame) -> Ladder:
    return Ladder(game.name, game.rules, game.board, game.players)


class _Tables:
    """The games under way, row by row; ``numbers`` int64 says which of all games each row is."""

    def __init__(self, game: TensorGame, openings: Openings, seed: int) -> None:
        self.lineups = lineups(game.players)
        each = len(self.lineups)
        device = openings.plies.device
        match = torch.arange(len(openings.numbers), device=device).repeat_interleave(each)
        self.states: State = take(openings.states, match)
        self.plies = openings.plies[match]
        self.numbers = torch.arange(len(match), device=device)
        self.seats = torch.tensor(self.lineups, device=device)[self.numbers % each]
        seeds = [
            derived(seed, _GAME, number, lineup)
            for number in openings.numbers
            for lineup in range(each)
        ]
        self.seeds = torch.tensor(seeds, dtype=torch.int64, device=device)

    def keep(self, index: Tensor) -> None:
        """Only the rows ``index`` (int64) go on."""
        self.states = take(self.states, index)
        self.plies, self.numbers = self.plies[index], self.numbers[index]
        self.seats, self.seeds = self.seats[index], self.seeds[index]


class Round:
    """All matches of ``openings`` between two players; nothing but the seed decides how they go."""

    def __init__(
        self,
        game: TensorGame,
        pair: tuple[Player, Player],
        openings: Openings,
        seed: int,
        purpose: str,
    ) -> None:
        self._game = game
        self._pair = pair
        self._openings = openings
        self._seed = seed
        self._purpose = purpose
        self._each = len(lineups(game.players))
        self._moves: list[list[int]] = [
            list(moves) for moves in openings.moves for _ in range(self._each)
        ]
        self._games: dict[int, Game] = {}

    @property
    def games_done(self) -> int:
        """Of its games, matches that are not whole included."""
        return len(self._games)

    @torch.inference_mode()
    def play(self, stop: Callable[[], bool]) -> Iterator[list[MatchResult]]:
        """After each ply the matches that became whole with it; ends early once ``stop`` is true."""
        tables = _Tables(self._game, self._openings, self._seed)
        while len(tables.numbers):
            actions = self._chosen(tables, stop)
            if actions is None:
                return
            for number, action in zip(tables.numbers.tolist(), actions.tolist(), strict=True):
                self._moves[number].append(action)
            tables.states, passes = self._game.step(tables.states, actions)
            tables.plies = tables.plies + 1 + passes
            yield self._harvest(tables)

    def _chosen(self, tables: _Tables, stop: Callable[[], bool]) -> Tensor | None:
        """int64 [B]: each table's move by whoever is to move there."""
        movers = self._game.mover(tables.states)
        who = tables.seats.gather(1, movers[:, None])[:, 0]
        keys = keys_at(tables.seeds, tables.plies)
        actions = torch.zeros_like(movers)
        for number, player in enumerate(self._pair):
            rows = (who == number).nonzero()[:, 0]
            if len(rows):
                moves = player.choose(take(tables.states, rows), keys[rows], stop)
                if moves is None:
                    return None
                actions[rows] = moves
        return actions

    def _harvest(self, tables: _Tables) -> list[MatchResult]:
        """Takes what is over off the tables."""
        done = self._game.done(tables.states)
        over = done | (tables.plies >= self._game.max_moves)
        rows = over.nonzero()[:, 0]
        if not len(rows):
            return []
        ended = take(tables.states, rows)
        columns = zip(
            tables.numbers[rows].tolist(),
            self._game.returns(ended).t().tolist(),
            self._game.scores(ended).t().tolist(),
            tables.plies[rows].tolist(),
            done[rows].tolist(),
            strict=True,
        )
        touched = []
        for number, returns, scores, plies, natural in columns:
            self._games[number] = self._written(number, returns, scores, plies, natural)
            touched.append(number // self._each)
        tables.keep((~over).nonzero()[:, 0])
        return [self._result(match) for match in dict.fromkeys(touched) if self._is_whole(match)]

    def _written(
        self, number: int, returns: list[float], scores: list[int], plies: int, natural: bool
    ) -> Game:
        best = max(returns)
        return Game(
            lineups(self._game.players)[number % self._each],
            tuple(seat for seat, value in enumerate(returns) if value == best),
            tuple(scores),
            plies,
            "natural" if natural else "max_moves",
            _digest(self._moves[number]),
        )

    def _is_whole(self, match: int) -> bool:
        return all(match * self._each + i in self._games for i in range(self._each))

    def _result(self, match: int) -> MatchResult:
        games = tuple(self._games[match * self._each + i] for i in range(self._each))
        first, second = (player.participant for player in self._pair)
        return checked(
            MatchResult(
                ladder_of(self._game),
                (first, second),
                games,
                self._openings.moves[match],
                self._seed,
                self._openings.numbers[match],
                self._purpose,
                time.time(),
            )
        )


def _digest(moves: Sequence[int]) -> str:
    return hashlib.blake2b(json.dumps(moves).encode(), digest_size=8).hexdigest()
