"""The tensor engine against the scalar one: random games on every board for all numbers of seats."""

from __future__ import annotations

import pytest
import torch

from tests.games.scalar_reversi import NEUTRAL, ScalarReversi
from workers.games.ataxx import Ataxx
from workers.games.choosing import random_actions
from workers.games.discs import DiscGame
from workers.games.reversi import Reversi
from workers.games.state import take

GAMES = {"square8": 12, "hex8": 12, "square19": 1, "hexagonal": 1}


@pytest.mark.parametrize("players", [2, 3, 4])
@pytest.mark.parametrize("board", GAMES)
def test_both_engines_agree_all_along_the_game(board: str, players: int) -> None:
    game, count = Reversi(board, players), GAMES[board]
    every, ply = (1 if game.cells < 100 else 6), 0
    chance = torch.Generator().manual_seed(players)
    state, others = game.init(count), [ScalarReversi(board, players) for _ in range(count)]
    while not bool(state.over.all()):
        for number, other in enumerate(others if ply % every == 0 else []):
            agree(game, take(state, torch.tensor([number])), other)
        actions = random_actions(game.legal(state), chance)
        ply, live = ply + 1, (~state.over).tolist()
        state, passes = game.step(state, actions)
        for number, other in enumerate(others):
            if live[number]:
                assert other.play(int(actions[number])) == int(passes[number])
    for number, other in enumerate(others):
        agree(game, take(state, torch.tensor([number])), other)


def agree(game: Reversi, state: object, other: ScalarReversi) -> None:
    """One game's position, move list, turn and scores are the same in both."""
    colours = {None: 0, NEUTRAL: game.players + 1, **{s: s + 1 for s in range(game.players)}}
    assert state.colours[:, 0].tolist() == [colours[other.disc[place]] for place in other.cells]
    assert bool(state.over) == other.over
    assert game.scores(state)[:, 0].tolist() == other.scores()
    legal = torch.nonzero(game.legal(state)[:, 0]).flatten().tolist()
    assert legal == ([] if other.over else other.legal(other.seat))
    if not other.over:
        assert int(game.mover(state)) == other.seat


@pytest.mark.parametrize(
    "game", [Reversi("hex8", 4), Reversi("square8", 2), Ataxx("hex8", 3)], ids=lambda game: game.key
)
def test_looking_at_all_seats_at_once_finds_the_same_turns(game: DiscGame) -> None:
    chance = torch.Generator().manual_seed(9)
    state, passed = game.init(40), 0
    for _ in range(90):
        actions = random_actions(game.legal(state), chance)
        colours = game._played(state, actions.masked_fill(state.over, game.n_actions - 1))
        after, passes = game._turned(state, colours)
        at_once, as_many = game._turned_at_once(state, colours)
        assert all(torch.equal(a, b) for a, b in zip(after, at_once, strict=True))
        assert torch.equal(passes, as_many)
        state, passed = after, passed + int(passes.sum())
    assert passed
    assert game.name == "ataxx" or bool(state.over.any())
