"""Our side of the self-play benchmark, one measurement a process: `random B`, `search DTYPE B`, `tree B`."""

from __future__ import annotations

import json
import sys
import time

import torch

from workers.games import TensorGame, load_game
from workers.games.random_play import play_random
from workers.harness import tune_allocator
from workers.network.architecture import Architecture
from workers.network.network import build
from workers.search import (
    Evaluator,
    Manner,
    NetworkEvaluator,
    PuctSearcher,
    PuctSettings,
    UniformEvaluator,
    choose,
    keys_at,
    make_forward,
)

SIMULATIONS = 32
DRAWN_PLIES = 16
LEAST_S = 5.0


def random_steps(batch: int, short: bool) -> tuple[int, float]:
    """Moves of whole random games, and CPU-seconds."""
    game, steps = load_game("reversi", "square8", 2), 0
    play_random(game, batch)
    began = time.process_time()
    while (taken := time.process_time() - began) < (1.0 if short else LEAST_S):
        steps += play_random(game, batch).plies()
    return steps, taken


def whole_games(game: TensorGame, searcher: PuctSearcher, batch: int) -> None:
    """Plays the batch from the start to the last game's end, as self-play does."""
    state, seeds, ply = game.init(batch), torch.arange(batch), 0
    while not bool(game.done(state).all()):
        turns = torch.full((batch,), ply)
        keys = keys_at(seeds, turns)
        found = searcher.search(state, keys)
        moves = choose(found.weights, keys, (turns < DRAWN_PLIES).float())
        state, _ = game.step(state, moves)
        ply += 1


def searched_games(evaluate: Evaluator, game: TensorGame, batch: int) -> tuple[int, float]:
    searcher = PuctSearcher(game, evaluate, PuctSettings(SIMULATIONS))
    searcher.search(game.init(batch))
    began = time.process_time()
    whole_games(game, searcher, batch)
    return batch, time.process_time() - began


def main(words: list[str]) -> None:
    tune_allocator()
    torch.set_num_threads(1)
    short = "--short" in words
    what, *rest = [word for word in words if word != "--short"]
    batch = int(rest[-1])
    game = load_game("reversi", "square8", 2)
    if what == "random":
        work, cpu_s = random_steps(batch, short)
    elif what == "tree":
        work, cpu_s = searched_games(UniformEvaluator(game), game, batch)
    else:
        torch.manual_seed(0)
        manner = Manner(torch.bfloat16, True) if rest[0] == "bfloat16" else Manner()
        forward = make_forward(
            build(game, Architecture(32, 2)), game.features(game.init(batch)), manner
        )
        work, cpu_s = searched_games(NetworkEvaluator(game, forward), game, batch)
    print(json.dumps({"work": work, "cpu_s": cpu_s}))


if __name__ == "__main__":
    main(sys.argv[1:])
