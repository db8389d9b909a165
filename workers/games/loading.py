"""Finds a game by name: a built-in one, one that a package offers, or `module:Class`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from workers.games.game import GameError, TensorGame, UnknownGame
from workers.games.scalar import ScalarAdapter, ScalarGame

GROUP = "quarterdeck.games"
BUILT_IN = {
    "reversi": "workers.games.reversi:Reversi",
    "ataxx": "workers.games.ataxx:Ataxx",
}
Factory = Callable[[str, int, str], "TensorGame | ScalarGame"]


def load_game(name: str, board: str, players: int, device: str = "cpu") -> TensorGame:
    """The game called `name` on `board` for `players` seats, its tensors on `device`.

    `name` is `reversi`, `ataxx`, an entry point of the group `quarterdeck.games`, or
    `module:Class`; the class (or function) is called with board, players and device. What
    is a `ScalarGame` comes in its adapter. Raises UnknownGame, which says what was looked for.
    """
    factory = _factory(name)
    try:
        game = factory(board, players, device)
    except GameError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise UnknownGame(
            f"{name} could not be made for {board!r} and {players} players: {error}"
        ) from error
    return ScalarAdapter(game, device) if isinstance(game, ScalarGame) else game


def offered() -> list[str]:
    """Names of the games that are there: built-in ones and entry points."""
    return sorted({*BUILT_IN, *(entry.name for entry in entry_points(group=GROUP))})


def _factory(name: str) -> Factory:
    if name in BUILT_IN:
        return _imported(BUILT_IN[name])
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            return _imported(entry.value)
    if ":" in name:
        return _imported(name)
    raise UnknownGame(
        f"no game is called {name!r}; there are {', '.join(offered())}, or give module:Class"
    )


def _imported(where: str) -> Factory:
    module, _, attribute = where.partition(":")
    try:
        found: Any = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise UnknownGame(f"the game {where} cannot be imported: {error}") from error
    if not callable(found):
        raise UnknownGame(f"the game {where} is not a class or function")
    return found  # type: ignore[no-any-return]
