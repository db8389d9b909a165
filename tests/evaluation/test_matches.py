"""Matches: every rotation of every opening, the same for everybody, and nothing but the seed decides."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch

from workers.evaluation.lineups import lineups
from workers.evaluation.match_result import MatchResult, checked
from workers.evaluation.matches import Round
from workers.evaluation.openings import OpeningBook, Openings
from workers.evaluation.players import Player, load
from workers.games import TensorGame, cat, load_game
from workers.games.reversi import Reversi
from workers.harness import Misconfigured

CONFIGURATIONS = [("square8", 2), ("hex8", 3), ("square8", 4)]


def player(word: str, game: TensorGame) -> Player:
    return load(word, game, Path("nowhere"), print)


def played(
    game: TensorGame,
    words: tuple[str, str] = ("greedy", "random"),
    matches: int = 4,
    seed: int = 1,
    batch: int = 4,
    opening_plies: int = 4,
) -> list[MatchResult]:
    book = OpeningBook(game, seed, opening_plies)
    found: list[MatchResult] = []
    pair = (player(words[0], game), player(words[1], game))
    for _ in range(matches // batch):
        round_ = Round(game, pair, book.deal(batch), seed, "gauntlet")
        found += [result for ply in round_.play(lambda: False) for result in ply]
    return sorted((result._replace(t=0.0) for result in found), key=lambda result: result.number)


@pytest.mark.parametrize(("board", "players"), CONFIGURATIONS)
def test_every_opening_is_played_in_every_arrangement(board: str, players: int) -> None:
    results = played(load_game("reversi", board, players))
    assert [result.number for result in results] == list(range(4))
    for result in results:
        checked(result)
        assert Counter(game.seats for game in result.games) == Counter(lineups(players))
        assert all(game.termination == "natural" for game in result.games)
    assert len({result.opening for result in results}) == 4


@pytest.mark.parametrize(("board", "players"), CONFIGURATIONS)
def test_the_seed_alone_decides_whatever_the_batch(board: str, players: int) -> None:
    game = load_game("reversi", board, players)
    first = played(game)
    assert played(game, batch=1) == first
    other = played(game, seed=2)
    assert [r.opening for r in other] != [r.opening for r in first]


def test_all_pairs_play_the_same_openings() -> None:
    game = load_game("reversi", "square8", 2)
    pairs = [("greedy", "random"), ("positional", "random"), ("positional", "greedy")]
    assert len({tuple(r.opening for r in played(game, pair)) for pair in pairs}) == 1


def test_scores_and_winners_are_those_of_the_board() -> None:
    for result in played(load_game("reversi", "square8", 2)):
        for game in result.games:
            best = max(game.scores)
            assert game.winners == tuple(s for s in (0, 1) if game.scores[s] == best)
            assert 4 < sum(game.scores) <= 64
            assert game.plies >= sum(game.scores) - 4


def test_a_capped_game_says_so() -> None:
    game = Reversi("square8", 2)
    game.max_moves = 20
    games = [game for result in played(game) for game in result.games]
    capped = [g for g in games if g.termination == "max_moves"]
    assert len(capped) > 4
    assert {g.plies for g in capped} <= {20, 21}


def test_somebody_elses_game_is_played_as_well() -> None:
    game = load_game("tests.games.connect:Connect", "5x4k3", 2)
    results = played(game, ("mcts:12", "random"))
    assert sum(result.share(0) for result in results) / len(results) > 0.6
    assert {result.ladder.rules for result in results} == {"connect/1"}


def test_a_stop_gives_whole_matches_only() -> None:
    """Some openings are longer than others, so that their matches are over first."""
    game = load_game("reversi", "square8", 2)
    pair = (player("greedy", game), player("random", game))
    found: list[MatchResult] = []
    short, long = OpeningBook(game, 1, 8).deal(10), OpeningBook(game, 1, 40, first=50).deal(10)
    openings = Openings(
        short.numbers + long.numbers,
        short.moves + long.moves,
        cat([short.states, long.states]),
        torch.cat([short.plies, long.plies]),
    )
    round_ = Round(game, pair, openings, 1, "gauntlet")

    def stop() -> bool:
        return len(found) > 0

    for results in round_.play(stop):
        found.extend(results)
    assert 0 < len(found) < 20
    assert all(len(result.games) == 2 for result in found)
    assert 2 * len(found) <= round_.games_done < 40


def test_openings_differ_and_go_on_where_they_were() -> None:
    game = load_game("reversi", "square8", 2)
    whole = OpeningBook(game, 3, 6).deal(40)
    assert len(set(whole.moves)) == 40
    later = OpeningBook(game, 3, 6, first=30).deal(10)
    assert later.moves == whole.moves[whole.numbers.index(30) :][:10]


def test_too_few_openings_are_no_secret() -> None:
    game = load_game("reversi", "square8", 2)
    assert OpeningBook(game, 1, 0).deal(1).moves == [()]
    with pytest.raises(Misconfigured, match="openings of 1 plies repeat"):
        OpeningBook(game, 1, 1).deal(5)


def test_forced_passes_count_as_plies() -> None:
    """Three seats on hex8 pass often."""
    results = played(load_game("reversi", "hex8", 3), matches=12, batch=12)
    games = [game for result in results for game in result.games]
    assert any(game.plies > sum(game.scores) for game in games)


def test_a_slow_searcher_is_asked_about_fewer_games_at_once() -> None:
    game = load_game("reversi", "square8", 2)
    chooser = player("greedy", game)
    states, keys = game.init(8), torch.arange(8)
    at_once = chooser.choose(states, keys, lambda: False)
    chooser._pace(8, 4.0)
    assert chooser._at_once == 2
    assert torch.equal(chooser.choose(states, keys, lambda: False), at_once)
    assert chooser.choose(states, keys, lambda: True) is None
