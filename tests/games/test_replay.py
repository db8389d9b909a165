"""Lists of moves: good ones replay, bad ones are found with the ply and the reason."""

from __future__ import annotations

import pytest
import torch

from workers.games import load_game
from workers.games.random_play import play_random
from workers.games.replay import PASS, IllegalMove, replay, require

GAME = load_game("reversi", "hex8", 4)
PLAYED = play_random(GAME, 12, torch.Generator().manual_seed(5))
LISTS = PLAYED.moves()
WITH_PASS = next(moves for moves in LISTS if PASS in moves)


def test_played_games_replay_to_their_scores() -> None:
    found = replay(GAME, LISTS)
    assert found.faults == [None] * len(LISTS)
    assert all(found.done)
    assert torch.equal(GAME.scores(found.state), PLAYED.scores)
    assert torch.equal(GAME.scores(require(GAME, LISTS)), PLAYED.scores)


def test_nothing_and_no_moves_replay() -> None:
    assert replay(GAME, []).faults == []
    assert replay(GAME, [[], LISTS[0]]).faults == [None, None]


@pytest.mark.parametrize("move", [0, 30, GAME.n_actions - 1, GAME.n_actions + 5, -7])
def test_an_illegal_move_is_found_where_it_is(move: int) -> None:
    # 30 is the centre, taken from the start; 0 is a corner, out of reach of anybody.
    found = replay(GAME, [LISTS[0], [*LISTS[1][:4], move, *LISTS[1][5:]]])
    assert found.faults == [None, f"ply 4: move {move} is not legal"]


def test_a_missing_forced_pass_is_found() -> None:
    at = WITH_PASS.index(PASS)
    (fault,) = replay(GAME, [WITH_PASS[:at] + WITH_PASS[at + 1 :]]).faults
    assert fault is not None
    assert fault.startswith(f"ply {at}: ")
    assert "leaves out the pass" in fault or "is a pass, but" in fault
    (fault,) = replay(GAME, [WITH_PASS[:at]]).faults
    assert fault is not None
    assert "forced passes are missing" in fault


def test_a_needless_pass_and_a_move_after_the_end_are_found() -> None:
    (fault,) = replay(GAME, [[PASS]]).faults
    assert fault == "ply 0: move -1 is a pass, but the seat had a move"
    (fault,) = replay(GAME, [[*LISTS[0], 0]]).faults
    assert fault == f"ply {len(LISTS[0])}: move 0 comes after the end of the game"


def test_a_broken_list_stands_before_its_fault() -> None:
    found = replay(GAME, [[*LISTS[0][:4], -7, *LISTS[0][5:]], LISTS[0][:4]])
    assert torch.equal(found.state.colours[:, 0], found.state.colours[:, 1])


def test_require_names_the_game_and_the_rules() -> None:
    with pytest.raises(IllegalMove, match="game 1 breaks reversi/1 on hex8_4p: ply 0"):
        require(GAME, [LISTS[0], [0]])
