"""The table of raw policies, and differences out of shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluation.gates import arena
from tests.evaluation.networks import saved
from tests.evaluation.test_matches import player
from workers.evaluation import gauntlet, match_log, tables
from workers.evaluation.difference import difference, elo_of
from workers.evaluation.lineups import expected_share
from workers.evaluation.strength import OPPONENTS, strength
from workers.games import load_game
from workers.harness import Misconfigured, NoDataYet

GAME = load_game("reversi", "square8", 2)


def test_first_and_latest_against_random_and_greedy(tmp_path: Path) -> None:
    models = tmp_path / "models"
    names = [saved(models, GAME, step) for step in (1, 2, 3)]
    place = arena(tmp_path, batch=12)
    rows = strength(place, models, (), 11)
    assert [(row.checkpoint, row.step) for row in rows] == [(names[0], 1), (names[2], 3)]
    for row in rows:
        assert set(row.against) == {"random", "greedy"}
        assert all(found.games == 12 for found in row.against.values())
    text = tables.strength_table(rows, OPPONENTS)
    assert "against random" in text
    assert names[2] in text
    before = match_log.read(place.log).results
    assert strength(arena(tmp_path), models, (), 11) == rows
    assert match_log.read(place.log).results == before


def test_no_network_no_table(tmp_path: Path) -> None:
    with pytest.raises(NoDataYet):
        strength(arena(tmp_path), tmp_path / "models", (), 8)


@pytest.mark.parametrize("players", [2, 3, 4])
def test_elo_of_a_share_is_the_inverse_of_the_share_of_an_elo(players: int) -> None:
    for elo in (-300.0, 0.0, 35.0, 200.0):
        assert elo_of(expected_share(elo, players), players) == pytest.approx(elo, abs=1e-6)


def test_a_difference_has_an_interval() -> None:
    found = difference([1.0, 0.5, 0.5, 1.0] * 25, 2)
    assert (found.games, found.share) == (200, 0.75)
    assert found.elo == pytest.approx(190.8, abs=0.1)
    assert 0.04 < found.share_interval < 0.06
    assert 35 < found.elo_interval < 60
    for share in (0.0, 1.0):
        assert abs(difference([share] * 50, 2).elo) < 1000
    with pytest.raises(ValueError, match="no matches"):
        difference([], 2)


def test_a_gauntlet_is_first_against_all_or_all_pairs(tmp_path: Path) -> None:
    players = [player(word, GAME) for word in ("positional", "random", "greedy")]
    assert len(gauntlet.pairs_of(players, all_pairs=True)) == 3
    pairs = gauntlet.pairs_of(players, all_pairs=False)
    assert [(a.participant.name, b.participant.name) for a, b in pairs] == [
        ("positional", "random"),
        ("positional", "greedy"),
    ]
    results = gauntlet.play(arena(tmp_path), pairs, 15)
    scores = gauntlet.scores(results)
    assert [score.difference.games for score in scores] == [16, 16]
    assert [sum(score.seat_shares) for score in scores] == pytest.approx([1.0, 1.0])
    assert {s.opening for s in results[:8]} == {s.opening for s in results[8:]}
    assert "positional" in tables.scores_table(scores, ())


def test_nobody_plays_alone_or_itself() -> None:
    one, same = player("random", GAME), player("random", GAME)
    for players in ([one], [one, same]):
        with pytest.raises(Misconfigured):
            gauntlet.pairs_of(players, all_pairs=False)
