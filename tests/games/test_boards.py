"""Boards: cells, neighbours, symmetries, and that the rules do not see a symmetry."""

from __future__ import annotations

import pytest
import torch

from workers.games import UnknownGame, random_actions
from workers.games.ataxx import Ataxx
from workers.games.board import board_named
from workers.games.discs import DiscGame, DiscState
from workers.games.reversi import Reversi
from workers.games.symmetry import permuted, permuted_planes

CELLS = {"square7": 49, "square8": 64, "square19": 361, "hex8": 61, "hexagonal": 469}


@pytest.mark.parametrize("name", CELLS)
def test_a_board_has_its_cells_and_mutual_neighbours(name: str) -> None:
    board = board_named(name)
    assert board.cells == CELLS[name]
    hops = board.shifted(board.directions)
    half = len(hops) // 2
    for direction, hop in enumerate(hops):
        back = hops[(direction + half) % len(hops)]
        assert all(back[there] == here for here, there in enumerate(hop) if there < board.cells)
    assert len(board.ring) == 2 * len(board.directions)


def test_an_unknown_board_is_refused_by_name() -> None:
    with pytest.raises(UnknownGame, match=r"square9.*square8"):
        board_named("square9")


@pytest.mark.parametrize("name", CELLS)
def test_symmetries_are_a_group_that_keeps_neighbours(name: str) -> None:
    board = board_named(name)
    turns = [tuple(turn) for turn in board.symmetries()]
    assert len(set(turns)) == (12 if board.is_hexagonal else 8)
    assert turns[0] == tuple(range(board.cells))
    assert {tuple(a[b] for b in turns[1]) for a in turns} == set(turns)
    beside = {(a, b) for hop in board.shifted(board.directions) for a, b in enumerate(hop) if b < board.cells and a < board.cells}  # fmt: skip
    for turn in turns:
        assert {(turn[a], turn[b]) for a, b in beside} == beside


def turned(game: DiscGame, state: DiscState, permutation: torch.Tensor) -> DiscState:
    """The symmetric position; its moves are found anew by the rules."""
    colours = permuted(state.colours, permutation[: game.cells])
    moves, _ = game._moves(colours, state.seat)
    return state._replace(colours=colours, moves=moves & ~state.over)


@pytest.mark.parametrize(
    "game",
    [Reversi("square8", 2), Reversi("square8", 3), Reversi("square19", 2), Reversi("hex8", 4),
     Reversi("hexagonal", 3), Ataxx("square7", 2), Ataxx("hex8", 3)],
    ids=lambda game: f"{game.name}-{game.key}",
)  # fmt: skip
def test_a_symmetric_position_has_symmetric_moves_features_and_sequels(game: DiscGame) -> None:
    chance = torch.Generator().manual_seed(1)
    state = game.init(6)
    for _ in range(14):
        state, _ = game.step(state, random_actions(game.legal(state), chance))
    actions = random_actions(game.legal(state), chance)
    after, passes = game.step(state, actions)
    for permutation in game.symmetries():
        mirror = turned(game, state, permutation)
        assert torch.equal(game.legal(mirror), permuted(game.legal(state), permutation))
        seen = permuted_planes(game.features(state), permutation, game.action_plane())
        assert torch.equal(game.features(mirror), seen)
        there, passed = game.step(mirror, permutation[actions])
        assert torch.equal(there.colours, permuted(after.colours, permutation[: game.cells]))
        assert torch.equal(passed, passes)
