"""Players by words, and baselines that are what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.evaluation.networks import saved
from tests.evaluation.test_matches import played, player
from workers.evaluation.players import load
from workers.evaluation.positional import PositionalSearcher, cell_values
from workers.evaluation.rollouts import RolloutEvaluator
from workers.games import load_game, random_actions, take
from workers.games.board import board_named
from workers.harness import Misconfigured, NoDataYet
from workers.network.pointers import swap_pointer


@pytest.mark.parametrize(("word", "least"), [("greedy", 0.53), ("positional", 0.7)])
def test_baselines_beat_random(word: str, least: float) -> None:
    results = played(load_game("reversi", "square8", 2), (word, "random"), 60, batch=60)
    assert sum(result.share(0) for result in results) / 60 > least


@pytest.mark.parametrize(("board", "players"), [("square8", 2), ("hex8", 3)])
def test_rollouts_know_how_to_end_a_game(board: str, players: int) -> None:
    """From an even position late in the game."""
    game = load_game("reversi", board, players)
    results = played(game, ("mcts:12", "random"), 12, batch=12, opening_plies=44)
    assert sum(result.share(0) for result in results) / 12 > 0.6


@pytest.mark.parametrize(("board", "corners"), [("square8", 4), ("hex8", 6), ("square19", 4)])
def test_corners_are_worth_most(board: str, corners: int) -> None:
    values = cell_values(board_named(board))
    assert values.count(max(values)) == corners
    beside = {"square8": 12, "hex8": 18, "square19": 12}[board]
    assert values.count(min(values)) == beside


def test_positional_takes_a_corner_it_can_have() -> None:
    game = load_game("reversi", "square8", 2)
    torch.manual_seed(0)
    states, searcher = game.init(64), PositionalSearcher(game)
    corners = torch.tensor([0, 7, 56, 63])
    seen = taken = 0
    for _ in range(50):
        open_ = (~game.done(states)).nonzero()[:, 0]
        states = take(states, open_)
        weights = searcher.search(states).weights
        legal = game.legal(states).t()
        assert bool((weights[~legal] == 0).all())
        able = legal[:, corners].any(1)
        took = weights[:, corners].sum(1) > 0
        seen += int(able.sum())
        taken += int((able & took).sum())
        states, _ = game.step(states, random_actions(game.legal(states)))
    assert taken > 0.8 * seen > 40


def test_a_rollout_depends_on_its_position_alone() -> None:
    game = load_game("reversi", "hex8", 3)
    evaluate = RolloutEvaluator(game, 5)
    states = game.init(9)
    for _ in range(20):
        states, _ = game.step(states, random_actions(game.legal(states)))
    values = evaluate(states).values
    for row in range(9):
        assert torch.equal(evaluate(take(states, torch.tensor([row]))).values[0], values[row])
    assert len(values.unique(dim=0)) > 1
    assert torch.allclose(values.sum(1), torch.zeros(9), atol=1e-6)
    assert not torch.equal(RolloutEvaluator(game, 6)(states).values, values)


def test_networks_by_words(tmp_path: Path) -> None:
    game = load_game("reversi", "square8", 2)
    with pytest.raises(NoDataYet, match="no latest network yet"):
        load("policy:latest", game, tmp_path, print)
    first, second = saved(tmp_path, game, 1), saved(tmp_path, game, 2)
    assert swap_pointer(tmp_path, "best", None, first)
    assert load("policy:best", game, tmp_path, print).checkpoint == first
    assert load("puct:4:latest", game, tmp_path, print).checkpoint == second
    named = load(f"puct:4:{first}", game, tmp_path, print).participant
    assert (named.search, first.endswith(named.weights[:8])) == ("puct:4", True)
    assert load("policy:best", game, tmp_path, print).participant != named


def test_a_damaged_network_is_replaced_by_the_one_before_it_and_said(tmp_path: Path) -> None:
    game = load_game("reversi", "square8", 2)
    first, second = saved(tmp_path, game, 1), saved(tmp_path, game, 2)
    (tmp_path / "checkpoints" / second / "model.safetensors").write_bytes(b"nothing")
    said: list[str] = []
    assert load("policy:latest", game, tmp_path, said.append).checkpoint == first
    assert f"went back to {first}" in said[0]


@pytest.mark.parametrize(
    "word",
    ["", "chess", "mcts", "mcts:0", "mcts:x", "policy", "policy:../x", "puct:0:latest", "random:3"],
)
def test_other_words_are_refused(word: str, tmp_path: Path) -> None:
    game = load_game("reversi", "square8", 2)
    saved(tmp_path, game, 1)
    with pytest.raises(Misconfigured):
        load(word, game, tmp_path, print)


def test_a_network_of_another_board_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, load_game("reversi", "hex8", 2), 1)
    with pytest.raises(Misconfigured, match="hex8"):
        load("policy:latest", load_game("reversi", "square8", 2), tmp_path, print)


def test_positional_is_for_reversi() -> None:
    with pytest.raises(Misconfigured, match="reversi"):
        player("positional", load_game("ataxx", "square7", 2))
