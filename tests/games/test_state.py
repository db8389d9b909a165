"""States: what is taken, put, joined and copied."""

from __future__ import annotations

import torch

from workers.games import cat, clone, empty_like, load_game, put, random_actions, size, take

GAME = load_game("reversi", "square8", 3)


def course(count: int) -> list[torch.Tensor]:
    state = GAME.init(count)
    for _ in range(9):
        state, _ = GAME.step(state, random_actions(GAME.legal(state)))
    return state


def test_games_are_taken_in_any_order_and_more_than_once() -> None:
    state = course(5)
    part = take(state, torch.tensor([3, 0, 3]))
    assert size(part) == 3
    assert type(part) is type(state)
    for whole, piece in zip(state, part, strict=True):
        assert torch.equal(piece, whole[..., [3, 0, 3]])


def test_putting_writes_those_games_and_no_others() -> None:
    state, others = course(5), course(2)
    before = clone(state)
    put(state, torch.tensor([4, 1]), others)
    for now, was, new in zip(state, before, others, strict=True):
        assert torch.equal(now[..., [4, 1]], new)
        assert torch.equal(now[..., [0, 2, 3]], was[..., [0, 2, 3]])


def test_joining_and_making_room() -> None:
    one, other = course(2), course(3)
    whole = cat([one, other])
    assert size(whole) == 5
    assert all(torch.equal(a[..., 2:], b) for a, b in zip(whole, other, strict=True))
    room = empty_like(one, 7)
    assert size(room) == 7
    assert not any(bool(part.any()) for part in room)


def test_no_games_at_all_are_a_state_too() -> None:
    nothing = take(GAME.init(2), torch.tensor([], dtype=torch.int64))
    after, passes = GAME.step(nothing, torch.tensor([], dtype=torch.int64))
    assert size(after) == len(passes) == 0
    assert GAME.features(after).shape == (0, 6, 8, 8)
