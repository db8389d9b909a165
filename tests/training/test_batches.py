"""Features and targets of a sample turn together."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.training.games import played
from workers.games.loading import load_game
from workers.training.batches import Maker
from workers.training.positions import replay


@pytest.mark.parametrize(("board", "turns"), [("square8", 8), ("hex8", 12)])
def test_a_turned_position_has_its_turned_target(board: str, turns: int) -> None:
    """The reference turns the games' moves one by one, on plain lists."""
    game: Any = load_game("reversi", board, 2)
    samples = replay(game, played(3, board=board)).samples
    maker = Maker(game, augment=True)
    symmetries, plane = game.symmetries().tolist(), game.action_plane().tolist()
    assert len(symmetries) == turns
    index = torch.arange(7, len(samples), len(samples) // 5)
    plain = Maker(game, augment=False).make(samples, index, torch.zeros_like(index))
    for number, goes in enumerate(symmetries):
        turned = maker.make(samples, index, torch.full_like(index, number))
        flat, before = turned.features.flatten(2), plain.features.flatten(2)
        for cell, place in enumerate(plane):
            assert torch.equal(flat[:, :, plane[goes[cell]]], before[:, :, place])
        for action, goal in enumerate(goes):
            assert torch.equal(turned.policy[:, goal], plain.policy[:, action])
        assert torch.equal(turned.values, plain.values)


def test_targets_are_shares_of_the_visits_on_legal_cells() -> None:
    game: Any = load_game("reversi", "square8", 2)
    samples = replay(game, played(3)).samples
    index = torch.arange(len(samples))
    batch = Maker(game, augment=False).make(samples, index, torch.zeros_like(index))
    assert torch.allclose(batch.policy.sum(1), torch.ones(len(samples)))
    assert torch.equal(batch.policy > 0, game.legal(samples.states).t())
    assert batch.features.shape == (len(samples), game.channels, 8, 8)


def test_the_seed_chooses_the_symmetries() -> None:
    maker = Maker(load_game("reversi", "square8", 2), augment=True)
    assert torch.equal(maker.turns(50, 3), maker.turns(50, 3))
    assert len(set(maker.turns(200, 3).tolist())) == 8
    assert not bool(Maker(maker.game, augment=False).turns(50, 3).any())
