"""Random actions are legal, evenly spread, and the same for the same seed."""

from __future__ import annotations

import pytest
import torch

from workers.games import load_game, random_actions
from workers.games.random_play import play_random


@pytest.mark.parametrize("rows", [1, 2, 3, 9, 10, 65, 255, 256, 835])
def test_every_legal_action_is_as_likely_as_another(rows: int) -> None:
    legal = torch.rand((rows, 1), generator=torch.Generator().manual_seed(rows)) < 0.4
    legal[rows // 2] = True
    draws = 200 * int(legal.sum())
    chosen = random_actions(legal.expand(rows, draws), torch.Generator().manual_seed(1))
    counts = torch.bincount(chosen, minlength=rows)
    assert not bool(counts[~legal[:, 0]].any())
    # Chi-squared has as many degrees of freedom as actions, less one; six deviations are never.
    expected = 200.0
    spread = float(((counts[legal[:, 0]] - expected) ** 2 / expected).sum())
    free = int(legal.sum()) - 1
    assert spread <= free + 6 * (2 * free) ** 0.5 + 6


def test_all_actions_legal_reaches_the_last_and_none_legal_is_no_error() -> None:
    everything = torch.ones((300, 30_000), dtype=torch.bool)
    chosen = random_actions(everything, torch.Generator().manual_seed(2))
    assert int(chosen.min()) == 0
    assert int(chosen.max()) == 299
    many = random_actions(torch.ones((40_000, 500), dtype=torch.bool))
    assert int(many.max()) > 36_000
    nothing = random_actions(torch.zeros((65, 7), dtype=torch.bool))
    assert bool(((nothing >= 0) & (nothing < 65)).all())


def test_the_same_seed_plays_the_same_games() -> None:
    game = load_game("reversi", "hex8", 3)
    one, other, third = (
        play_random(game, 5, torch.Generator().manual_seed(seed)).moves() for seed in (7, 7, 8)
    )
    assert one == other
    assert one != third


def test_reversi_ends_by_itself_and_ataxx_meets_its_cap() -> None:
    chance = torch.Generator().manual_seed(4)
    assert bool(play_random(load_game("reversi", "square8", 2), 64, chance).natural.all())
    game = load_game("ataxx", "square7", 2)
    played = play_random(game, 256, chance)
    capped = [moves for moves, ok in zip(played.moves(), played.natural, strict=True) if not ok]
    assert 0 < len(capped) < 128
    assert all(len(moves) >= game.max_moves for moves in capped)
