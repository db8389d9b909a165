"""Whether a game keeps to `TensorGame`: for the tests of whoever writes one."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from workers.games.choosing import random_actions
from workers.games.game import GameError, TensorGame, key_of, shared_win
from workers.games.random_play import play_random
from workers.games.replay import replay
from workers.games.state import State, cat, clone, empty_like, put, take
from workers.games.symmetry import permuted, permuted_planes


class Nonconforming(GameError):
    """A game that breaks the protocol; the message says where."""


def check(game: TensorGame, games: int = 12, seed: int = 0) -> None:
    """Plays `games` random games and looks at everything `TensorGame` promises.

    Raises Nonconforming with words at the first broken promise. Takes at most as long as some
    hundreds of moves of that game.
    """
    chance = torch.Generator(device=game.init(1)[0].device).manual_seed(seed)
    _check_names(game)
    _check_tables(game)
    for state in _course(game, games, chance):
        _check_look(game, state, games)
        _check_step(game, state, chance)
        _check_batch(game, state, chance)
    _check_replay(game, games, chance)
    _check_symmetries(game, games, chance)


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise Nonconforming(words)


def _require_tensor(tensor: Tensor, shape: tuple[int, ...], dtype: torch.dtype, what: str) -> None:
    _require(isinstance(tensor, Tensor), f"{what} is no tensor")
    found = f"{tensor.dtype} {list(tensor.shape)}"
    _require(
        tensor.dtype == dtype and tensor.shape == shape,
        f"{what} is {found}, and should be {dtype} {list(shape)}",
    )


def _course(game: TensorGame, games: int, chance: torch.Generator) -> Iterator[State]:
    """The states of random games: the first, then fewer and fewer, at last finished ones."""
    state, due = game.init(games), 0
    for turn in range(game.max_moves):
        if turn == due:
            yield state
            due = turn * 2 + 1
        if bool(game.done(state).all()):
            break
        state, _ = game.step(state, random_actions(game.legal(state), chance))
    yield state


def _check_names(game: TensorGame) -> None:
    for what in ("name", "rules", "board", "key"):
        value = getattr(game, what)
        _require(isinstance(value, str) and bool(value), f"{what} is {value!r}, no text")
    for what in ("players", "n_actions", "max_moves", "channels", "height", "width"):
        value = getattr(game, what)
        _require(isinstance(value, int) and value > 0, f"{what} is {value!r}, no positive number")
    _require(game.players > 1, "a game needs two seats or more")
    key = key_of(game.board, game.players)
    _require(game.key == key, f"key is {game.key!r}, and should be {key!r}")
    _require("/" in game.rules, f"rules are {game.rules!r}, and should be like 'name/1'")


def _check_tables(game: TensorGame) -> None:
    plane, places = game.action_plane(), game.height * game.width
    _require_tensor(plane, (plane.numel(),), torch.int64, "action_plane()")
    inside = bool(((plane >= 0) & (plane < places)).all())
    _require(inside, f"action_plane() leaves the plane of {places}")
    apart = bool((plane.sort().values.diff() > 0).all())
    _require(apart, "action_plane() names a place twice")
    turns = game.symmetries()
    _require_tensor(turns, (len(turns), game.n_actions), torch.int64, "symmetries()")
    actions = torch.arange(game.n_actions, device=turns.device)
    _require(len(turns) > 0 and bool((turns[0] == actions).all()), "symmetries()[0] is not the identity")  # fmt: skip
    _require(bool((turns.sort(1).values == actions).all()), "a row of symmetries() is no permutation")  # fmt: skip


def _check_look(game: TensorGame, state: State, count: int) -> None:
    """Shapes, types and meaning of what is read from a state."""
    _require(hasattr(state, "_fields"), "a state is no NamedTuple")
    for part in state:
        _require(part.shape[-1] == count, f"a state of {count} games has a part {list(part.shape)}")
    legal, done, mover = game.legal(state), game.done(state), game.mover(state)
    _require_tensor(legal, (game.n_actions, count), torch.bool, "legal()")
    _require_tensor(done, (count,), torch.bool, "done()")
    _require_tensor(mover, (count,), torch.int64, "mover()")
    _require(bool(((mover >= 0) & (mover < game.players)).all()), "mover() is no seat")
    some = legal.any(0)
    _require(not bool((some & done).any()), "a finished game has legal actions")
    _require(bool((some | done).all()), "a game goes on without a legal action")
    scores, returns = game.scores(state), game.returns(state)
    _require_tensor(scores, (game.players, count), torch.int64, "scores()")
    _require_tensor(returns, (game.players, count), torch.float32, "returns()")
    _require(
        torch.allclose(returns, shared_win(scores), atol=1e-5),
        "returns() are not the shares of the win by scores()",
    )
    features = game.features(state)
    shape = (count, game.channels, game.height, game.width)
    _require_tensor(features, shape, torch.float32, "features()")
    _require(bool(features.isfinite().all()), "features() are not finite")


def _check_step(game: TensorGame, state: State, chance: torch.Generator) -> None:
    """A step changes no argument, leaves finished games alone, and can be repeated."""
    actions = random_actions(game.legal(state), chance)
    before, done = clone(state), game.done(state).clone()
    after, passes = game.step(state, actions)
    _require_tensor(passes, (len(actions),), torch.int64, "the passes of step()")
    _require(bool((passes >= 0).all()), "step() counts fewer than no passes")
    _require(_same(state, before), "step() changes the state it is given")
    _require(_same(game.step(state, actions)[0], after), "the same step() leads elsewhere")
    finished = torch.nonzero(done).flatten()
    _require(_same(take(after, finished), take(before, finished)), "step() changes a finished game")
    _require(not bool(passes[done].any()), "step() passes in a finished game")


def _check_batch(game: TensorGame, state: State, chance: torch.Generator) -> None:
    """A game fares alone, and in any order, as it fares among others."""
    actions = random_actions(game.legal(state), chance)
    whole, passes = game.step(state, actions)
    order = torch.randperm(len(actions), generator=chance, device=actions.device)[
        : len(actions) - 1
    ]
    part, few = game.step(take(state, order), actions[order])
    words = "a game fares otherwise in another batch"
    _require(_same(part, take(whole, order)) and torch.equal(few, passes[order]), words)
    _require(torch.equal(game.features(part), game.features(whole)[order]), words)
    single, _ = game.step(take(state, order[:1]), actions[order[:1]])
    _require(_same(single, take(whole, order[:1])), words)
    room = empty_like(whole, len(actions))
    put(room, order, part)
    _require(_same(take(room, order), part), "a state does not survive put and take")
    _require(_same(take(cat([part, single]), torch.arange(len(order), device=order.device)), part),
             "a state does not survive cat")  # fmt: skip


def _check_replay(game: TensorGame, games: int, chance: torch.Generator) -> None:
    """Whole games replay to the same end."""
    played = play_random(game, games, chance)
    found = replay(game, played.moves())
    for fault in found.faults:
        _require(fault is None, f"a game that was played does not replay: {fault}")
    ended = played.natural
    _require(found.done == ended.tolist() or not bool(ended.all()), "a game replays to another end")
    _require(torch.equal(game.scores(found.state), played.scores), "scores differ after a replay")


def _check_symmetries(game: TensorGame, games: int, chance: torch.Generator) -> None:
    """Under each symmetry that the start has, a mirrored game stays the mirror of the game."""
    plane = game.action_plane()
    for number, turn in enumerate(game.symmetries()):
        state, mirror = game.init(games), game.init(games)
        if not _mirrored(game, state, mirror, turn, plane):
            continue
        for _ in range(min(24, game.max_moves)):
            actions = random_actions(game.legal(state), chance)
            state, _ = game.step(state, actions)
            mirror, _ = game.step(mirror, turn[actions])
            _require(
                _mirrored(game, state, mirror, turn, plane),
                f"symmetry {number} of symmetries() is none of the rules or the features",
            )


def _mirrored(game: TensorGame, state: State, mirror: State, turn: Tensor, plane: Tensor) -> bool:
    features = game.features(state)
    if game.n_actions >= len(plane):
        features = permuted_planes(features, turn, plane)
    return bool(
        torch.equal(permuted(game.legal(state), turn), game.legal(mirror))
        and torch.equal(features, game.features(mirror))
        and torch.equal(game.scores(state), game.scores(mirror))
    )


def _same(one: State, other: State) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
