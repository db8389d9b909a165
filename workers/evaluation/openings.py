"""Random openings: a few uniformly random moves from the start, each opening once and none of them over."""

from typing import NamedTuple

import torch
from torch import Tensor

from workers.games import State, TensorGame, cat, take
from workers.harness import Misconfigured
from workers.search import choose, keys_at

PLIES_PER_SEAT = 4
_OPENING = 0x0E  # what an opening's keys are for; its games have others
_TRIES = 16


class Openings(NamedTuple):
    """K positions to begin from: their numbers, moves, states, and plies so far (int64 [K])."""

    numbers: list[int]
    moves: list[tuple[int, ...]]
    states: State
    plies: Tensor


def derived(seed: int, *numbers: int) -> int:
    """A seed for each purpose, from one; all are int64."""
    key = torch.tensor([seed], dtype=torch.int64)
    for number in numbers:
        key = keys_at(key, torch.tensor([number], dtype=torch.int64))
    return int(key)


class OpeningBook:
    """Deals the openings of one seed in order: the same for whoever plays them, in whatever batches.

    ``plies`` are random moves from the start; 0 begins at the start, which is one opening only.
    """

    def __init__(self, game: TensorGame, seed: int, plies: int, first: int = 0) -> None:
        self._game = game
        self._seed = derived(seed, _OPENING)
        self._plies = plies
        self._next = first
        self._dealt: set[tuple[int, ...]] = set()

    def deal(self, count: int) -> Openings:
        """The next ``count``. Raises Misconfigured where the game has too few that differ."""
        found = [self._fresh(count)]
        for _ in range(_TRIES):
            short = count - sum(len(part.numbers) for part in found)
            if not short:
                break
            found.append(self._fresh(short))
        else:
            raise Misconfigured(
                f"{self._game.key}: openings of {self._plies} plies repeat themselves after {len(self._dealt)};"
                " ask for more plies or fewer games"
            )
        return Openings(
            [number for part in found for number in part.numbers],
            [moves for part in found for moves in part.moves],
            cat([part.states for part in found]),
            torch.cat([part.plies for part in found]),
        )

    def _fresh(self, count: int) -> Openings:
        """Of the next ``count`` numbers those that are no repetition and not over."""
        numbers = list(range(self._next, self._next + count))
        self._next += count
        states, moves, plies = self._played(numbers)
        over = self._game.done(states).tolist()
        kept = []
        for row, line in enumerate(moves):
            if not over[row] and line not in self._dealt:
                self._dealt.add(line)
                kept.append(row)
        index = torch.tensor(kept, dtype=torch.int64, device=plies.device)
        return Openings(
            [numbers[row] for row in kept],
            [moves[row] for row in kept],
            take(states, index),
            plies[index],
        )

    @torch.inference_mode()
    def _played(self, numbers: list[int]) -> tuple[State, list[tuple[int, ...]], Tensor]:
        game = self._game
        states = game.init(len(numbers))
        device = game.mover(states).device
        seeds = keys_at(
            torch.full((len(numbers),), self._seed, device=device),
            torch.tensor(numbers, dtype=torch.int64, device=device),
        )
        plies = torch.zeros_like(seeds)
        chosen = []
        for ply in range(self._plies):
            legal = game.legal(states).t().float()
            actions = choose(
                legal, keys_at(seeds, torch.full_like(seeds, ply)), legal.new_zeros(len(seeds))
            )
            states, passes = game.step(states, actions)
            plies = plies + 1 + passes
            chosen.append(actions.tolist())
        lines = [tuple(line) for line in zip(*chosen, strict=True)] or [()] * len(numbers)
        return states, lines, plies
