"""Matches that never were: participants of known strength, and what they would have played."""

from __future__ import annotations

import random
from collections.abc import Sequence

from workers.evaluation.lineups import lineups
from workers.evaluation.match_result import Game, MatchResult
from workers.evaluation.participant import RANDOM, Ladder, Participant


def ladder(players: int = 2) -> Ladder:
    return Ladder("reversi", "reversi/1", "square8", players)


def participant(number: int) -> Participant:
    return RANDOM if number == 0 else Participant(f"{number:016x}", "policy")


def match(
    dice: random.Random,
    pair: Sequence[int],
    elos: Sequence[float],
    players: int = 2,
    ties: float = 0.0,
    purpose: str = "gauntlet",
    number: int = 0,
) -> MatchResult:
    """Between the participants numbered ``pair``, by Plackett and Luce; ``ties`` is the odds of two sharing
    the first place."""
    strengths = [10 ** (elos[who] / 400) for who in pair]
    games = tuple(_game(dice, seats, strengths, ties) for seats in lineups(players))
    first, second = map(participant, pair)
    opening = (dice.randrange(10**9),)
    return MatchResult(
        ladder(players), (first, second), games, opening, 7, number, purpose, 1.79e9 + number
    )


def _game(
    dice: random.Random, seats: tuple[int, ...], strengths: Sequence[float], ties: float
) -> Game:
    left = list(range(len(seats)))
    winners = _first(dice, left, [strengths[seats[seat]] for seat in left], ties)
    scores = [0] * len(seats)
    for seat in winners:
        scores[seat] = 40
    left = [seat for seat in left if seat not in winners]
    while left:
        (seat,) = dice.choices(left, [strengths[seats[s]] for s in left])
        scores[seat] = 10 + len(left)
        left.remove(seat)
    return Game(seats, winners, tuple(scores), 60, "natural", f"{dice.getrandbits(64):016x}")


def _first(
    dice: random.Random, left: Sequence[int], strengths: Sequence[float], ties: float
) -> tuple[int, ...]:
    sets: list[tuple[int, ...]] = [(i,) for i in left]
    odds = list(strengths)
    if ties:
        pairs = [(i, j) for i in left for j in left if i < j]
        sets += pairs
        odds += [ties * (strengths[i] * strengths[j]) ** 0.5 for i, j in pairs]
    return dice.choices(sets, odds)[0]
