"""The games under way: when one ends the next takes its place."""

import time
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from workers.games import State, TensorGame, put, take
from workers.search import keys_at
from workers.selfplay.deciding import Decider, Decision
from workers.selfplay.history import History
from workers.selfplay.seeds import Seeds


class Finished(NamedTuple):
    """A game that is over, with views into the history: read before the next turn."""

    seed: int
    moves: NDArray[np.int16]
    passes: NDArray[np.uint8]
    targets: NDArray[np.bool_]
    weights: NDArray[np.uint16] | None
    values: NDArray[np.float32] | None
    scores: tuple[int, ...]
    natural: bool
    """False: it was cut off at the most moves."""
    began: float
    """Seconds since 1970."""
    duration_s: float


class Slots:
    """``size`` games at a time. ``limit`` is how many are begun at all, None without end."""

    def __init__(
        self, game: TensorGame, size: int, limit: int | None, seeds: Seeds, max_moves: int
    ) -> None:
        self._game, self._seeds, self._max_moves = game, seeds, max_moves
        self._limit = limit
        self.begun = 0
        count = size if limit is None else min(size, limit)
        self._states: State = game.init(count)
        self._device = game.mover(self._states).device
        self._turns = np.zeros(count, np.int64)
        self._plies = np.zeros(count, np.int64)
        self._seed = np.zeros(count, np.int64)
        self._began = np.zeros(count)
        self._live = np.zeros(count, np.bool_)
        self._history = History(count, game.players, game.n_actions)
        self._begin(np.arange(count))

    @property
    def live(self) -> int:
        """Games under way."""
        return int(self._live.sum())

    @property
    def size(self) -> int:
        """Games of a batch, those included that are over and were not replaced."""
        return len(self._live)

    @property
    def longest(self) -> int:
        """Plies of the game that is furthest."""
        return int(self._plies[self._live].max(initial=0))

    def begin_no_more(self) -> None:
        """The games under way are the last."""
        self._limit = self.begun

    def turn(self, decider: Decider) -> tuple[Decision, list[Finished]]:
        """Makes a move in every game. The games that ended by it; ``refill`` comes when they are read.
        Raises SearchInterrupted, and nothing has happened."""
        turns = torch.from_numpy(self._turns).to(self._device)
        keys = keys_at(torch.from_numpy(self._seed).to(self._device), turns)
        decision = decider.decide(self._states, keys, turns)
        self._states, passes = self._game.step(self._states, decision.moves)
        self._history.note(self._turns, decision, passes)
        self._turns += self._live
        self._plies += (1 + passes.cpu().numpy()) * self._live
        natural = self._game.done(self._states).cpu().numpy()
        ended = np.flatnonzero(self._live & (natural | (self._plies >= self._max_moves)))
        return decision, self._finished(ended, natural)

    def refill(self) -> None:
        """New games where games have ended, as long as there are any to begin; else the batch shrinks."""
        empty = np.flatnonzero(~self._live)
        left = len(empty) if self._limit is None else min(len(empty), self._limit - self.begun)
        if left:
            self._begin(empty[:left])
        elif 0 < self.live <= self.size // 2:
            self._shrink()

    def _begin(self, slots: NDArray[np.int64]) -> None:
        index = torch.from_numpy(slots).to(self._device)
        put(self._states, index, self._game.init(len(slots)))
        self._seed[slots] = [self._seeds.of(self.begun + i) for i in range(len(slots))]
        self._turns[slots] = self._plies[slots] = 0
        self._began[slots] = time.time()
        self._live[slots] = True
        self.begun += len(slots)

    def _shrink(self) -> None:
        kept = np.flatnonzero(self._live)
        self._states = take(self._states, torch.from_numpy(kept).to(self._device))
        for name in ("_turns", "_plies", "_seed", "_began", "_live"):
            setattr(self, name, getattr(self, name)[kept])
        self._history.keep(kept)

    def _finished(self, slots: NDArray[np.int64], natural: NDArray[np.bool_]) -> list[Finished]:
        if not len(slots):
            return []
        now = time.time()
        scores = self._game.scores(self._states).cpu().numpy()
        self._live[slots] = False
        return [self._one(slot, scores[:, slot], bool(natural[slot]), now) for slot in slots]

    def _one(self, slot: int, scores: NDArray[np.int64], natural: bool, now: float) -> Finished:
        turns = int(self._turns[slot])
        column = {
            name: self._history.column(name, slot, turns)
            for name in ("moves", "passes", "targets", "weights", "values")
        }
        began = float(self._began[slot])
        return Finished(
            seed=int(self._seed[slot]),
            scores=tuple(scores.tolist()),
            natural=natural,
            began=began,
            duration_s=max(0.0, now - began),
            **column,  # type: ignore[arg-type]
        )
