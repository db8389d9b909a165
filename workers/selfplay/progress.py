"""What a self-play worker says of itself."""

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from workers.harness import Worker
from workers.records import GameRecord, Journal
from workers.selfplay.deciding import Decision

_WINDOW_S = 60.0
_SAY_EVERY_S = 0.5
_POINT_EVERY_S = 10.0  # of the curves


class Progress:
    """Counts games and evaluations, and puts them into the worker's status."""

    def __init__(
        self,
        worker: Worker,
        journal: Journal,
        players: int,
        total: int | None,
        output: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._worker, self._journal, self._clock = worker, journal, clock
        self._total, self._output = total, str(output.absolute())
        self._began = clock()
        self._recent: deque[tuple[float, int]] = deque()  # when, games by then
        self._games = self._cut = self._evaluations = self._useful = self._asked = 0
        self._wins = [0.0] * players
        self._said_at = float("-inf")
        self._pointed_at = self._began

    def count_game(self, record: GameRecord) -> None:
        self._games += 1
        self._cut += record.termination == "max_moves"
        for seat in record.winners:
            self._wins[seat] += 1 / len(record.winners)

    def count_search(self, decision: Decision, live: int, size: int) -> None:
        """One move of ``live`` games in a batch of ``size``. A batch is filled by the positions that a network
        was asked about to a purpose; without one, by the games that are not over."""
        self._evaluations += decision.evaluations
        self._useful += decision.evaluations or live
        self._asked += decision.asked or size

    def say(self, message: str, now: bool = False) -> None:
        """Cheap: most calls do nothing, unless it must be ``now``."""
        at = self._clock()
        if not now and at - self._said_at < _SAY_EVERY_S:
            return
        self._said_at = at
        lifetime = self._games / max(1e-9, at - self._began)
        minute = self._last_minute(at)
        self._worker.say(
            phase="play",
            done=self._journal.durable,
            total=self._total,
            rate_per_minute=None if minute is None else round(minute * 60, 2),
            message=message,
            produced=self._journal.produced,
            durable=self._journal.durable,
            sealed=self._journal.sealed,
            games_per_s_1min=None if minute is None else round(minute, 3),
            games_per_s=round(lifetime, 3) if self._games else None,
            evaluations_per_s=round(self._evaluations / max(1e-9, at - self._began), 1),
            batch_fill=round(self._useful / self._asked, 3) if self._asked else None,
            truncation_rate=round(self._cut / self._games, 4) if self._games else None,
            wins_per_seat=[round(wins, 2) for wins in self._wins],
            output=self._output,
        )
        if minute is not None and at - self._pointed_at >= _POINT_EVERY_S:
            self._pointed_at = at
            self._points(minute, at)

    def _points(self, minute: float, at: float) -> None:
        """One of each curve, over the games so far."""
        points = {
            "games_per_s": minute,
            "evaluations_per_s": self._evaluations / (at - self._began),
            "truncation_rate": self._cut / self._games,
        }
        for name, value in points.items():
            self._worker.metric(f"selfplay/{name}", value, self._games)

    def _last_minute(self, at: float) -> float | None:
        """Games a second over the last minute, or since the beginning; None before the first game."""
        if not self._games:
            return None
        self._recent.append((at, self._games))
        while len(self._recent) > 2 and self._recent[1][0] <= at - _WINDOW_S:
            self._recent.popleft()
        then, games = self._recent[0]
        if at - self._began < _WINDOW_S or at - then < 1.0:
            then, games = self._began, 0
        return (self._games - games) / max(1e-9, at - then)
