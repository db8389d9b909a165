"""One to two seconds at the start that find out how to ask the network, and about how many games at once."""

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import nn

from workers.games import State, TensorGame
from workers.search import (
    Evaluator,
    Manner,
    NetworkEvaluator,
    PuctSettings,
    UniformEvaluator,
    make_forward,
    make_searcher,
)

_BUDGET_S = 0.15  # of one measurement, after a warm-up
_PLIES = 8  # into the game: the first positions are all the same
_NEAR = 0.95  # of the best rate: then fewer games at once are better, since they end sooner
_TREE_BYTES = 2 << 30
_PROBED = "puct:4"
_SIZES = (64, 256, 512)
_SIZES_WITHOUT_NETWORK = (64, 512, 4096)
_SIZES_ON_GPU = (512, 2048, 4096)


class Choice(NamedTuple):
    batch: int
    manner: Manner
    rates: tuple[tuple[int, Manner, float], ...]
    """(batch, manner, moves a second in the small search that was measured)."""

    def __str__(self) -> str:
        tried = "; ".join(f"{b} × {m}: {rate:.0f}/s" for b, m, rate in self.rates)
        return f"batch {self.batch}, {self.manner}" + (f" (probed {tried})" if tried else "")


def choose_pace(
    game: TensorGame,
    search: str,
    network: nn.Module | None,
    batch: int | None,
    dtype: str,
    limit: int | None,
) -> Choice:
    """``batch`` None and ``dtype`` "auto" are found out. Never more than ``limit`` games at once."""
    manners = list(_manners(dtype, game)) if network is not None else [Manner()]
    sizes = [batch] if batch is not None else list(_sizes(game, search, network, limit))
    rates: list[tuple[int, Manner, float]] = []

    def measure(size: int, manner: Manner) -> float:
        rates.append((size, manner, _rate(game, search, network, size, manner)))
        return rates[-1][2]

    if len(manners) == 1 and len(sizes) == 1:
        return Choice(sizes[0], manners[0], ())
    middle = sizes[len(sizes) // 2]
    manner = max(manners, key=lambda manner: measure(middle, manner))
    for size in sizes:
        if size != middle:
            measure(size, manner)
    found = {size: rate for size, asked, rate in rates if asked == manner}
    enough = _NEAR * max(found.values())
    return Choice(min(size for size in found if found[size] >= enough), manner, tuple(rates))


def evaluator(game: TensorGame, network: nn.Module | None, batch: int, manner: Manner) -> Evaluator:
    """``network`` None: all moves alike."""
    if network is None:
        return UniformEvaluator(game)
    sample = game.features(game.init(batch))
    return NetworkEvaluator(game, make_forward(network, sample, manner))


def _manners(dtype: str, game: TensorGame) -> Iterable[Manner]:
    if dtype in ("auto", "float32"):
        yield Manner(torch.float32, game.action_plane().device.type != "cpu")
    if dtype in ("auto", "bfloat16"):
        yield Manner(torch.bfloat16, True)


def _sizes(
    game: TensorGame, search: str, network: nn.Module | None, limit: int | None
) -> Iterable[int]:
    wanted = _SIZES if network is not None else _SIZES_WITHOUT_NETWORK
    if game.action_plane().device.type != "cpu":
        wanted = _SIZES_ON_GPU
    most = min(limit or wanted[-1], _fitting(game, search))
    yield from [size for size in wanted if size < most][-2:]
    yield min(most, wanted[-1])


def _fitting(game: TensorGame, search: str) -> int:
    """Games whose trees fit."""
    kind, _, number = search.partition(":")
    nodes = int(number or PuctSettings().simulations) + 1 if kind == "puct" else 1
    return max(1, _TREE_BYTES // (nodes * game.n_actions * 16))


@torch.inference_mode()
def _rate(
    game: TensorGame, search: str, network: nn.Module | None, size: int, manner: Manner
) -> float:
    """Moves a second."""
    name = _PROBED if search.startswith("puct") else search
    searcher = make_searcher(name, game, evaluator(game, network, size, manner))
    states = _some_way_in(game, size)

    def move() -> None:
        game.step(states, searcher.search(states).weights.argmax(1))

    return _repeated(move, size)


def _some_way_in(game: TensorGame, size: int) -> State:
    chance = make_searcher("random", game, None)
    states = game.init(size)
    for _ in range(_PLIES):
        weights = chance.search(states).weights
        states, _ = game.step(states, (weights * torch.rand_like(weights)).argmax(1))
    return states


def _repeated(work: Callable[[], object], size: int) -> float:
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    began = time.perf_counter()
    done = 0
    while (taken := time.perf_counter() - began) < _BUDGET_S or not done:
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        done += size
    return done / max(taken, time.perf_counter() - began)
