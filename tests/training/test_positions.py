"""Games are learned from only as far as the rules allow them and the search thought about them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.training.games import played
from workers.games.loading import load_game
from workers.games.state import take
from workers.records.record import GameRecord, encode_visits
from workers.training.positions import Replayed, replay
from workers.training.targets import outcome, read_targets


def replayed(*records: GameRecord, board: str = "square8") -> Replayed:
    return replay(load_game("reversi", board, records[0].players), records)


@pytest.mark.parametrize(("board", "players"), [("square8", 2), ("square8", 3), ("hex8", 4)])
def test_each_searched_ply_is_a_sample_as_the_mover_saw_it(board: str, players: int) -> None:
    game: Any = load_game("reversi", board, players)
    records = played(6, board=board, players=players)
    found = replay(game, records)
    assert not any(found.illegal)
    assert found.owed == found.covered
    assert len(found.samples) == sum(found.covered)
    legal = game.legal(found.samples.states)
    first = found.samples.first
    for number in range(0, len(found.samples), 17):
        actions = found.samples.actions[first[number] : first[number + 1]]
        weights = found.samples.weights[first[number] : first[number + 1]]
        assert torch.equal(actions, torch.nonzero(legal[:, number]).flatten())
        assert weights.argmax() == 0
        assert float(weights.sum()) == pytest.approx(1.0)


def test_values_are_relative_to_the_mover() -> None:
    game: Any = load_game("reversi", "square8", 3)
    records = played(8, players=3)
    samples = replay(game, records).samples
    wins = {tuple(outcome(record)) for record in records}
    for number, seat in enumerate(game.mover(samples.states).tolist()):
        relative = samples.values[number].tolist()
        assert tuple(relative[(k - seat) % 3] for k in range(3)) in wins


def test_the_winners_share_one_and_the_sum_is_zero() -> None:
    (record,) = played(1, players=4)
    assert outcome(record._replace(winners=(2,))) == pytest.approx([-1 / 3, -1 / 3, 1, -1 / 3])
    assert outcome(record._replace(winners=(0, 3))) == pytest.approx([1 / 3, -1 / 3, -1 / 3, 1 / 3])
    assert outcome(record._replace(winners=(0, 1, 2, 3))) == [0, 0, 0, 0]


def with_pass(records: list[GameRecord]) -> GameRecord:
    return next(record for record in records if -1 in record.moves[:-1])


def moved(record: GameRecord, ply: int, move: int) -> GameRecord:
    moves = list(record.moves)
    moves[ply] = move
    return record._replace(moves=tuple(moves))


def cut(record: GameRecord, ply: int, count: int = 1) -> GameRecord:
    def without(found: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*found[:ply], *found[ply + count :])

    return record._replace(
        moves=without(record.moves), visits=without(record.visits), values=without(record.values)
    )


def test_what_the_rules_forbid_is_found_and_teaches_nothing() -> None:
    good, *others = played(40)
    passing = with_pass(others)
    bad = [
        moved(good, 4, good.moves[0]),
        moved(good, 4, -1),
        moved(good, 4, 9999),
        moved(good, 4, 64),
        cut(good, len(good.moves) - 1),
        cut(passing, passing.moves.index(-1)),
        good._replace(moves=(*good.moves, 0), visits=(), values=()),
        good._replace(scores=(64, 0)),
        good._replace(winners=(0, 1) if len(good.winners) == 1 else (0,)),
        good._replace(termination="max_moves"),
        good._replace(rules="reversi/2"),
        good._replace(game="ataxx"),
    ]
    found = replayed(good, *bad, passing)
    assert found.illegal == [False, *[True] * len(bad), False]
    assert found.owed[1:-1] == found.covered[1:-1] == [0] * len(bad)
    assert len(found.samples) == found.covered[0] + found.covered[-1]


def test_a_game_that_was_given_up_or_cut_off_is_legal() -> None:
    whole = played(1)[0]
    resigned = cut(whole, 20, 99)._replace(termination="resign", scores=(0, 0), winners=(1,))
    game: Any = load_game("reversi", "square8", 2)
    half = replay(game, [resigned]).samples
    assert len(half) == 20
    last = take(game.step(take(half.states, torch.tensor([19])), torch.tensor([whole.moves[19]]))[0], torch.tensor([0]))  # fmt: skip
    scores = tuple(game.scores(last)[:, 0].tolist())
    winners = tuple(seat for seat in range(2) if scores[seat] == max(scores))
    capped = cut(whole, 20, 99)._replace(termination="max_moves", scores=scores, winners=winners)
    assert replay(game, [resigned, capped]).illegal == [False, False]


def test_forced_passes_and_fast_searches_owe_no_target() -> None:
    record = with_pass(played(40))
    searched = sum(move != -1 for move in record.moves)
    assert read_targets(record)[1] == searched
    few = tuple(text if ply % 4 == 0 else None for ply, text in enumerate(record.visits))
    fast = record._replace(visits=few, search="puct:32, cap 0.25:8")
    targets, owed = read_targets(fast)
    assert len(targets) == owed < searched
    assert read_targets(fast._replace(visits=())) == ([], 0)


def test_a_missing_target_is_owed_where_nobody_searched_fast() -> None:
    """Root values alone are no excuse without a cap, and a cap is none without root values."""
    record = played(1)[0]
    searched = sum(move != -1 for move in record.moves)
    silent = record._replace(visits=(*record.visits[:30], *[None] * (len(record.visits) - 30)))
    assert read_targets(silent)[1] == searched
    capped = silent._replace(search="puct:32, cap 0.25:8")
    assert read_targets(capped)[1] < searched
    assert read_targets(capped._replace(values=()))[1] == searched


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AA",
        "!!!!",
        encode_visits([(19, 0)]),
        encode_visits([(0, 5)]),
        encode_visits([(9999, 5)]),
    ],
    ids=["empty", "odd", "no base64", "no weight", "illegal", "no action"],
)
def test_a_target_that_cannot_be_is_owed_and_not_covered(text: str) -> None:
    record = played(1)[0]
    found = replayed(record._replace(visits=(text, *record.visits[1:])))
    assert found.illegal == [False]
    assert found.covered[0] == found.owed[0] - 1


def test_no_games_are_no_samples() -> None:
    assert len(replay(load_game("reversi", "square8", 2), []).samples) == 0
    silent = played(1)[0]._replace(visits=())
    found = replayed(silent)
    assert len(found.samples) == 0
    assert found.covered == [0]
    assert found.owed[0] > 0
