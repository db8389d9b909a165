"""Games for tests, and what is on disk of them."""

from __future__ import annotations

import random
from pathlib import Path

from workers.records import GameRecord, encode_visits, game_id, list_shards, read_shard

BOARD, PLAYERS, WORKER = "square8", 2, "5f2c1e0a-1111-4222-8333-444455556666"


def game(seed: int, worker: str = WORKER) -> GameRecord:
    """The game of that seed, always the same; two seeds have two games."""
    chance = random.Random(seed)
    moves = (seed % 1000, *(chance.randrange(-1, 64) for _ in range(chance.randrange(4, 12))))
    visits = tuple(None if move < 0 else encode_visits([(move, 30), (65, 2)]) for move in moves)
    values = tuple(None if move < 0 else (0.25, -0.25) for move in moves)
    return GameRecord(
        1, game_id("reversi", BOARD, PLAYERS, "reversi/1", (*moves, seed)), "reversi", BOARD, PLAYERS,
        "reversi/1", seed, (*moves, seed), (*visits, None), (*values, None), (40, 24), (0,), "natural",
        len(moves) + 1, "0123456789abcdef", "puct:32", worker, 1790000000.5 + seed, 0.125,
    )  # fmt: skip


def seeds_in(out: Path) -> list[int]:
    """The seeds of all sealed games, in the order of the shards."""
    return [found.seed for shard in list_shards(out) for found in read_shard(shard.path)]


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
