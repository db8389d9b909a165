"""Ratings: planted strengths are found within their intervals, and only the log decides."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from tests.evaluation.worlds import match, participant
from workers.evaluation.match_result import MatchResult
from workers.evaluation.participant import RANDOM
from workers.evaluation.ratings import rate

PLANTED = (0.0, 60.0, 150.0, 230.0, 350.0, 480.0)


def league(
    seed: int, players: int, matches: int, ties: float = 0.1, elos: Sequence[float] = PLANTED
) -> list[MatchResult]:
    """A round robin."""
    dice = random.Random(seed)
    pairs = [(i, j) for j in range(len(elos)) for i in range(j)]
    return [
        match(dice, pair, elos, players, ties, number=number)
        for number in range(matches)
        for pair in pairs
    ]


@pytest.mark.parametrize(("players", "ties"), [(2, 0.0), (2, 0.3), (3, 0.1), (4, 0.1)])
def test_planted_strengths_lie_within_their_intervals(players: int, ties: float) -> None:
    inside = total = 0
    for seed in range(12):
        for rating in rate(league(seed, players, 60 // players, ties)):
            if rating.participant == RANDOM:
                assert (rating.elo, rating.interval) == (0.0, 0.0)
                continue
            number = int(rating.participant.weights, 16)
            assert abs(rating.elo - PLANTED[number]) < 3.5 * rating.interval / 1.96
            inside += abs(rating.elo - PLANTED[number]) <= rating.interval
            total += 1
    assert 0.88 <= inside / total <= 1.0


def test_two_players_without_ties_are_bradley_and_terry() -> None:
    """75 % of many games is 400 log10(3) Elo."""
    dice = random.Random(5)
    results = [match(dice, (0, 1), (0.0, 400 * math.log10(3)), number=n) for n in range(3000)]
    found = next(r for r in rate(results) if r.participant != RANDOM)
    assert found.elo == pytest.approx(400 * math.log10(found.share / (1 - found.share)), abs=1)
    assert found.interval == pytest.approx(
        1.96 * (400 / math.log(10)) / math.sqrt(6000 * found.share * (1 - found.share)), rel=0.02
    )


def test_a_log_that_is_read_again_or_in_another_order_gives_the_same_ratings() -> None:
    results = league(1, 3, 10)
    first = rate(results)
    assert rate(results) == first
    for seed in range(3):
        random.Random(seed).shuffle(results)
        assert rate(results) == first


def test_who_only_won_stays_finite_and_unsure() -> None:
    dice = random.Random(0)
    results = [match(dice, (0, 1), (0.0, 9000.0), number=n) for n in range(50)]
    best = rate(results)[0]
    assert best.share == 1.0
    assert 500 < best.elo < 3000
    assert best.interval > 200


def test_more_games_make_it_surer() -> None:
    few, many = (rate(league(3, 2, n)) for n in (10, 90))
    assert max(r.interval for r in many) < 0.5 * max(r.interval for r in few)


def test_who_never_met_the_anchor_is_said_to_hang_in_the_air() -> None:
    dice = random.Random(0)
    apart = [match(dice, (1, 2), (0.0, 0.0, 100.0), number=n) for n in range(20)]
    assert not any(rating.anchored for rating in rate(apart))
    joined = [*apart, match(dice, (0, 1), (0.0, 0.0))]
    assert all(rating.anchored for rating in rate(joined))


def test_no_matches_no_ratings() -> None:
    assert rate([]) == []


def test_ladders_are_never_mixed() -> None:
    dice = random.Random(0)
    with pytest.raises(ValueError, match="several ladders"):
        rate([match(dice, (0, 1), (0, 0), players) for players in (2, 4)])


def test_a_second_search_is_somebody_else() -> None:
    dice = random.Random(0)
    result = match(dice, (0, 1), (0, 200))
    deeper = participant(1)._replace(search="puct:32")
    assert len(rate([result, result._replace(participants=(RANDOM, deeper))])) == 3
