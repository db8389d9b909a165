"""The gate: who passes becomes best, who does not is told why, and nothing is asked twice."""

from __future__ import annotations

import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tests.evaluation.gates import EASY, HARD, HOPELESS, arena
from tests.evaluation.networks import saved
from workers.evaluation import match_log, promotion
from workers.evaluation.gate import Gate, Outcome, explain
from workers.evaluation.match_result import MatchResult
from workers.evaluation.sprt import Sprt
from workers.games import load_game
from workers.harness import NoDataYet, Worker
from workers.network.pointers import history, read_pointer, swap_pointer

GAME = load_game("reversi", "square8", 2)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def hold(tmp_path: Path, test: Sprt = EASY, seed: int = 1, worker: Worker | None = None) -> Outcome:
    return Gate(arena(tmp_path, worker, seed), tmp_path / "models", test, "policy").hold()


def logged(tmp_path: Path) -> tuple[MatchResult, ...]:
    return match_log.read(arena(tmp_path).log).results


def test_no_network_yet_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoDataYet, match="no latest network yet"):
        hold(tmp_path)


def test_the_first_candidate_is_measured_against_random(tmp_path: Path, models: Path) -> None:
    name = saved(models, GAME, 1)
    outcome = hold(tmp_path)
    assert (outcome.decision, outcome.promoted, outcome.best) == ("accept", True, "")
    assert read_pointer(models, "best") == name
    assert {r.participants[1].search for r in logged(tmp_path)} == {"random"}
    (change,) = history(models, "best")
    assert "LLR" in change.reason
    assert "games" in change.reason


def test_a_better_candidate_takes_the_place_of_the_best(tmp_path: Path, models: Path) -> None:
    first = saved(models, GAME, 1)
    hold(tmp_path)
    second = saved(models, GAME, 2)
    outcome = hold(tmp_path)
    assert (outcome.promoted, outcome.candidate, outcome.best) == (True, second, first)
    assert [change.after for change in history(models, "best")] == [first, second]


def test_why_not_promoted_names_gate_value_limit_games_and_age(
    tmp_path: Path, models: Path
) -> None:
    saved(models, GAME, 1)
    hold(tmp_path)
    saved(models, GAME, 2)
    outcome = hold(tmp_path, HARD)
    assert (outcome.decision, outcome.promoted) == ("reject", False)
    text = explain(outcome)
    for part in (
        "not promoted",
        "gate policy",
        "LLR -",
        "fell to -2.94",
        "of at most 40 games",
        "old",
    ):
        assert part in text
    assert outcome.games == 2 * len(logged(tmp_path)) - 8 or outcome.games >= 8
    assert outcome.candidate_age_s is not None
    assert outcome.best_age_s is not None


def test_what_nobody_can_tell_is_inconclusive_and_changes_nothing(
    tmp_path: Path, models: Path
) -> None:
    saved(models, GAME, 1)
    outcome = hold(tmp_path, HOPELESS)
    assert (outcome.decision, outcome.promoted) == ("inconclusive", False)
    assert read_pointer(models, "best") is None


def test_a_gate_that_decided_is_not_played_again(tmp_path: Path, models: Path) -> None:
    saved(models, GAME, 1)
    first = hold(tmp_path, HARD)
    played = logged(tmp_path)
    again = hold(tmp_path, HARD, seed=2)
    assert again._replace(candidate_age_s=None) == first._replace(candidate_age_s=None)
    assert logged(tmp_path) == played


def test_the_best_is_no_candidate(tmp_path: Path, models: Path) -> None:
    saved(models, GAME, 1)
    hold(tmp_path)
    played = logged(tmp_path)
    outcome = hold(tmp_path)
    assert (outcome.decision, outcome.promoted) == ("none", False)
    assert "it is the best already" in explain(outcome)
    assert logged(tmp_path) == played


def test_a_stopped_gate_goes_on_where_it_was(tmp_path: Path, models: Path) -> None:
    """Round after round, by workers that are stopped after one, it ends as one that ran through."""
    saved(models, GAME, 1)
    test = Sprt(0.0, 1.0, min_games=24, max_games=24)
    for rounds in (1, 2):
        worker = Worker("game")
        gate = Gate(arena(tmp_path, worker), models, test, "policy")
        after_one_round(gate, worker)
        assert gate.hold().decision == "stopped"
        assert len(logged(tmp_path)) == 4 * rounds
    outcome = hold(tmp_path, test)
    assert (outcome.decision, outcome.games) == ("inconclusive", 24)
    assert sorted(result.number for result in logged(tmp_path)) == list(range(12))
    assert len({result.opening for result in logged(tmp_path)}) == 12


def after_one_round(gate: Gate, worker: Worker) -> None:
    play = gate._arena.play_round

    def once(*arguments):
        found = play(*arguments)
        worker.stop(signal.SIGTERM)
        return found

    gate._arena.play_round = once


def test_of_many_promoters_one_wins(models: Path) -> None:
    first, *others = (saved(models, GAME, step) for step in range(9))
    assert promotion.promote(models, first, None, "gate")
    together = Barrier(len(others))

    def promote(name: str) -> bool:
        together.wait(10)
        return promotion.promote(models, name, first, "gate")

    with ThreadPoolExecutor(len(others)) as pool:
        results = list(pool.map(promote, others))
    assert results.count(True) == 1
    assert read_pointer(models, "best") == others[results.index(True)]
    assert len(history(models, "best")) == 2


def test_a_candidate_that_was_removed_meanwhile_is_not_promoted(
    tmp_path: Path, models: Path
) -> None:
    name = saved(models, GAME, 1)
    gate = Gate(arena(tmp_path), models, EASY, "policy")
    play = gate._arena.play_round

    def meanwhile(*arguments):
        shutil.rmtree(models / "checkpoints" / name, ignore_errors=True)
        return play(*arguments)

    gate._arena.play_round = meanwhile
    outcome = gate.hold()
    assert (outcome.decision, outcome.promoted) == ("superseded", False)
    assert "removed" in explain(outcome)
    assert read_pointer(models, "best") is None


def test_a_gate_whose_best_was_changed_meanwhile_promotes_nobody(
    tmp_path: Path, models: Path
) -> None:
    other, name = saved(models, GAME, 1), saved(models, GAME, 2)
    gate = Gate(arena(tmp_path), models, EASY, "policy")
    play = gate._arena.play_round

    def meanwhile(*arguments):
        swap_pointer(models, "best", None, other, "somebody else")
        return play(*arguments)

    gate._arena.play_round = meanwhile
    outcome = gate.hold()
    assert (outcome.candidate, outcome.decision, outcome.promoted) == (name, "superseded", False)
    assert read_pointer(models, "best") == other


def test_another_search_is_another_gate(tmp_path: Path, models: Path) -> None:
    saved(models, GAME, 1)
    hold(tmp_path, HARD)
    searching = Gate(arena(tmp_path), models, HOPELESS, "puct:2").hold()
    assert (searching.decision, searching.games) == ("inconclusive", 8)
    assert {r.participants[0].search for r in logged(tmp_path)} == {"policy", "puct:2"}


def test_three_seats(tmp_path: Path) -> None:
    place = arena(tmp_path, board="hex8", players=3, batch=12)
    models = tmp_path / "three"
    saved(models, place.game, 1)
    outcome = Gate(place, models, EASY._replace(min_games=24), "policy").hold()
    assert (outcome.promoted, outcome.games % 6) == (True, 0)
    assert all(len(r.games) == 6 for r in match_log.read(place.log).results)


# ------------------------------------------------------------ the way back


def test_roll_back_is_one_pointer_and_no_gate_undoes_it(tmp_path: Path, models: Path) -> None:
    first = saved(models, GAME, 1)
    hold(tmp_path)
    second = saved(models, GAME, 2)
    assert hold(tmp_path).promoted
    change = promotion.rollback(models, "it plays worse")
    assert (change.before, change.after) == (second, first)
    assert change.reason == "rollback: it plays worse"
    assert read_pointer(models, "best") == first
    outcome = hold(tmp_path)
    assert (outcome.decision, outcome.promoted) == ("rolled back", False)
    assert "rolled back" in explain(outcome)
    third = saved(models, GAME, 3)
    assert hold(tmp_path).promoted
    assert read_pointer(models, "best") == third


def test_roll_backs_go_down_and_not_to_and_fro(models: Path) -> None:
    names = [saved(models, GAME, step) for step in range(4)]
    for before, after in zip([None, *names], names, strict=False):
        assert promotion.promote(models, after, before, "gate")
    assert [promotion.rollback(models).after for _ in range(3)] == names[2::-1]
    with pytest.raises(Exception, match="nothing was best before"):
        promotion.rollback(models)
    assert set(promotion.rolled_back(models)) == set(names[1:])


def test_roll_back_passes_over_what_is_gone(models: Path) -> None:
    names = [saved(models, GAME, step) for step in range(3)]
    for before, after in zip([None, *names], names, strict=False):
        assert promotion.promote(models, after, before, "gate")
    shutil.rmtree(models / "checkpoints" / names[1])
    assert promotion.rollback(models).after == names[0]
