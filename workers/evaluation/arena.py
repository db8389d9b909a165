"""Where matches are played: rounds of a batch of games, each match logged as soon as it is whole."""

import time
from collections.abc import Callable
from pathlib import Path

from workers.evaluation import match_log
from workers.evaluation.lineups import lineups
from workers.evaluation.match_result import MatchResult
from workers.evaluation.matches import Round
from workers.evaluation.openings import OpeningBook
from workers.evaluation.players import Player
from workers.games import TensorGame
from workers.harness import Worker

_RATE_OVER_S = 60.0


class Arena:
    """``seed`` decides openings and games; ``batch_games`` are played in lock-step."""

    def __init__(
        self,
        worker: Worker,
        game: TensorGame,
        log: Path,
        seed: int,
        opening_plies: int,
        batch_games: int,
        say: Callable[[str], None],
    ) -> None:
        self.worker = worker
        self.game = game
        self.log = log
        self.seed = seed
        self.say = say
        self.per_match = len(lineups(game.players))
        self.opening_plies = opening_plies
        self._batch = max(1, batch_games // self.per_match)
        self._games_done = 0
        self._seen: list[tuple[float, int]] = []

    def book(self, first: int = 0) -> OpeningBook:
        """This seed's openings from number ``first`` on."""
        return OpeningBook(self.game, self.seed, self.opening_plies, first)

    def play_round(
        self, pair: tuple[Player, Player], book: OpeningBook, most: int, purpose: str
    ) -> list[MatchResult]:
        """Up to ``most`` matches, in the order of their openings; fewer where the worker was stopped.

        Each is in the log when it is whole. Raises OSError where the disk refuses.
        """
        round_ = Round(self.game, pair, book.deal(min(most, self._batch)), self.seed, purpose)
        before, found = self._games_done, []
        for results in round_.play(lambda: self.worker.stopping):
            for result in results:
                match_log.append(self.log, result)
                found.append(result)
            self._tell(before + round_.games_done)
        self._games_done = before + len(found) * self.per_match
        self._tell(self._games_done)
        return sorted(found, key=lambda result: result.number)

    def expect(self, games: int | None) -> None:
        """How many games there will be, from now on."""
        self.worker.say(
            done=self._games_done, total=None if games is None else self._games_done + games
        )

    def skip(self, games: int) -> None:
        """So many need not be played: the log has them."""
        self._games_done += games
        self._seen.clear()
        self._tell(self._games_done)

    def _tell(self, games: int) -> None:
        now = time.monotonic()
        if not self._seen or games != self._seen[-1][1]:
            self._seen.append((now, games))
        while len(self._seen) > 2 and now - self._seen[1][0] > _RATE_OVER_S:
            del self._seen[0]
        (began, first) = self._seen[0]
        rate = 60 * (games - first) / (now - began) if now - began > 1 else None
        self.worker.say(done=games, rate_per_minute=rate)
