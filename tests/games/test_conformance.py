"""Every game keeps to the protocol, and games that do not are found out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from tests.games.connect import Connect, ScalarConnect
from workers.games import load_game, random_actions
from workers.games.conformance import Nonconforming, check
from workers.games.scalar import ScalarAdapter, cost

CONNECT = "tests.games.connect:Connect"
SCALAR = "tests.games.connect:ScalarConnect"


@pytest.mark.parametrize(
    ("name", "board", "players"),
    [("reversi", "square8", 2), ("reversi", "square8", 4), ("reversi", "hex8", 3),
     ("ataxx", "square7", 2), ("ataxx", "hex8", 3), ("ataxx", "square8", 4),
     (CONNECT, "7x6k4", 2), (CONNECT, "5x4k3", 3), (SCALAR, "5x4k3", 2)],
)  # fmt: skip
def test_a_game_keeps_to_the_protocol(name: str, board: str, players: int) -> None:
    check(load_game(name, board, players), games=6)


@pytest.mark.long
@pytest.mark.parametrize(("board", "players"), [("square19", 3), ("hexagonal", 2)])
def test_the_big_boards_keep_to_it_too(board: str, players: int) -> None:
    check(load_game("reversi", board, players), games=2)


class Changing(Connect):
    def step(self, state: Any, actions: Any) -> Any:
        state.seat.add_(1)
        return super().step(state, actions)


class Moving(Connect):
    def legal(self, state: Any) -> Any:
        return state.colours[-1] == 0


class Wide(Connect):
    def legal(self, state: Any) -> Any:
        return super().legal(state).t()


class Greedy(Connect):
    def returns(self, state: Any) -> Any:
        return self.scores(state).float()


class Nameless(Connect):
    rules = "connect"


class Crooked(Connect):
    def symmetries(self) -> Any:
        turns = torch.arange(self.n_actions).repeat(2, 1)
        turns[1, :2] = torch.tensor([1, 0])
        return turns


class Mixed(Connect):
    def features(self, state: Any) -> Any:
        return super().features(state).cumsum(0)


@pytest.mark.parametrize(
    ("game", "words"),
    [(Changing, "changes the state"), (Moving, "finished game has legal"), (Wide, "legal\\(\\) is"),
     (Greedy, "shares of the win"), (Nameless, "rules are"), (Crooked, "symmetry 1"),
     (Mixed, "another batch")],
)  # fmt: skip
def test_a_broken_promise_is_named(game: Callable[[str, int], Any], words: str) -> None:
    with pytest.raises(Nonconforming, match=words):
        check(game("4x4k3", 2))


def test_the_adapter_plays_what_the_tensors_play() -> None:
    tensors, adapted = Connect("5x4k3", 2), ScalarAdapter(ScalarConnect("5x4k3", 2))
    chance = torch.Generator().manual_seed(3)
    one: Any = tensors.init(16)
    other: Any = adapted.init(16)
    while not bool(tensors.done(one).all()):
        for read in ("legal", "done", "mover", "scores", "returns", "features"):
            if read not in ("mover", "features"):  # which a finished game may answer as it likes
                assert torch.equal(getattr(tensors, read)(one), getattr(adapted, read)(other)), read
        live = ~tensors.done(one)
        assert torch.equal(tensors.features(one)[live], adapted.features(other)[live])
        actions = random_actions(tensors.legal(one), chance)
        one, other = tensors.step(one, actions)[0], adapted.step(other, actions)[0]
    assert torch.equal(tensors.scores(one), adapted.scores(other))


def test_the_adapter_says_what_it_costs() -> None:
    words = cost(ScalarAdapter(ScalarConnect("4x4k3", 2)), count=2, seconds=0.0)
    assert "moves/s, played one position at a time in Python" in words
    assert "in tensors" in cost(load_game("reversi", "square8", 2), count=2, seconds=0.0)
