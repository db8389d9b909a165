"""The gate's test: its errors are as rare as it says, by simulation."""

from __future__ import annotations

import random

import pytest

from workers.evaluation.lineups import expected_share, lineups
from workers.evaluation.sprt import Sprt, Verdict, judge, matches_left


def simulated(seed: int, elo: float, players: int = 2) -> Verdict:
    """A whole gate of a candidate that is ``elo`` stronger."""
    dice = random.Random(seed)
    strength = 10 ** (elo / 400)
    chances = []
    for seats in lineups(players):
        own = strength * (players - sum(seats))
        chances.append(own / (own + sum(seats)))
    shares = [
        sum(dice.random() < chance for chance in chances) / len(chances)
        for _ in range(matches_left(Sprt(), 0, players))
    ]
    return judge(Sprt(), shares, players)


@pytest.mark.parametrize("players", [2, 3])
def test_errors_are_rare_and_games_few(players: int) -> None:
    runs = 400
    equal = [simulated(seed, 0.0, players) for seed in range(runs)]
    better = [simulated(seed, 35.0, players) for seed in range(runs)]
    assert sum(v.decision == "accept" for v in equal) / runs <= 0.07
    assert sum(v.decision == "reject" for v in better) / runs <= 0.07
    assert sum(v.decision == "reject" for v in equal) / runs >= 0.6
    assert sum(v.decision == "accept" for v in better) / runs >= 0.6
    for verdicts in (equal, better):
        assert 300 <= sum(v.games for v in verdicts) / runs <= 650


def test_far_better_and_far_worse_are_known_after_the_fewest_games() -> None:
    assert simulated(0, 600.0)[::2] == ("accept", 64)
    assert simulated(0, -600.0)[::2] == ("reject", 64)
    assert simulated(0, 600.0, 3)[::2] == ("accept", 66)


def test_equals_that_split_every_match_are_rejected() -> None:
    assert judge(Sprt(), [0.5] * 40, 2).decision == "reject"


def test_too_few_games_decide_nothing() -> None:
    assert judge(Sprt(), [], 2) == Verdict("continue", 0.0, 0, 0.5)
    assert judge(Sprt(), [1.0] * 31, 2).decision == "continue"
    assert judge(Sprt(), [1.0] * 32, 2).decision == "accept"


def test_a_decision_stays_whatever_is_played_after_it() -> None:
    first = judge(Sprt(), [1.0] * 32, 2)
    assert judge(Sprt(), [1.0] * 32 + [0.0] * 300, 2) == first


def test_at_the_limit_it_is_inconclusive() -> None:
    middle = expected_share(17.5, 2)
    shares = [middle + (0.4 if i % 2 else -0.4) for i in range(399)]
    assert judge(Sprt(min_games=798), shares, 2).decision == "continue"
    verdict = judge(Sprt(min_games=798), [*shares, shares[0]], 2)
    assert (verdict.decision, verdict.games) == ("inconclusive", 800)
    assert [matches_left(Sprt(), played, 2) for played in (0, 399, 400, 401)] == [400, 1, 0, 0]


def test_bounds_are_walds() -> None:
    assert Sprt().upper == pytest.approx(2.944, abs=1e-3)
    assert Sprt().lower == pytest.approx(-2.944, abs=1e-3)


@pytest.mark.parametrize("players", [2, 3, 4])
def test_equals_share_equally_and_lineups_treat_them_alike(players: int) -> None:
    assert expected_share(0.0, players) == pytest.approx(0.5)
    assert 0.53 < expected_share(35.0, players) < 0.56
    arrangements = lineups(players)
    rotated = {seats[i:] + seats[:i] for seats in arrangements for i in range(players)}
    assert rotated == set(arrangements)
    assert {tuple(1 - s for s in seats) for seats in arrangements} == set(arrangements)
    for seat in range(players):
        assert sum(seats[seat] for seats in arrangements) * 2 == len(arrangements)


def test_with_two_players_the_share_is_elos() -> None:
    assert expected_share(35.0, 2) == pytest.approx(1 / (1 + 10 ** (-35 / 400)))
