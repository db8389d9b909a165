"""An arena on a small board that wants no command line, and tests that decide after few games."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workers.evaluation.arena import Arena
from workers.evaluation.match_log import log_path
from workers.evaluation.sprt import Sprt
from workers.games import load_game
from workers.harness import Worker

EASY = Sprt(-800.0, -300.0, min_games=8, max_games=80)
"""Whoever is about equal is accepted."""
HARD = Sprt(200.0, 400.0, min_games=8, max_games=40)
"""Whoever is about equal is rejected."""
HOPELESS = Sprt(0.0, 1.0, min_games=8, max_games=8)
"""Nobody can tell in so few games."""


def arena(
    folder: Path,
    worker: Worker | None = None,
    seed: int = 1,
    batch: int = 8,
    say: Callable[[str], None] = print,
    board: str = "square8",
    players: int = 2,
) -> Arena:
    game = load_game("reversi", board, players)
    log = log_path(folder / "matches", game.key)
    return Arena(worker or Worker("game"), game, log, seed, 8, batch, say)
