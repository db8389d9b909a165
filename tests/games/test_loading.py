"""Games are found by name, by entry point and by module:Class; what is not there says so."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from workers.games import UnknownGame, load_game, loading
from workers.games.scalar import ScalarAdapter


def test_built_in_games_are_found_by_name() -> None:
    game = load_game("reversi", "hexagonal", 3)
    assert (game.name, game.rules, game.key) == ("reversi", "reversi/1", "hexagonal_3p")
    assert (game.n_actions, game.max_moves) == (470, 1600)
    assert load_game("ataxx", "square7", 2).n_actions == 49 * 17 + 1


def test_a_class_is_found_by_its_module() -> None:
    assert load_game("tests.games.connect:Connect", "7x6k4", 2).key == "7x6k4_2p"
    assert isinstance(load_game("tests.games.connect:ScalarConnect", "7x6k4", 2), ScalarAdapter)


def test_an_entry_point_offers_a_game(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("connect", "tests.games.connect:Connect", loading.GROUP)
    monkeypatch.setattr(loading, "entry_points", lambda group: [entry])
    assert load_game("connect", "7x6k4", 2).name == "connect"
    assert loading.offered() == ["ataxx", "connect", "reversi"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("chess", "square8", 2), "no game is called 'chess'; there are ataxx, reversi"),
     (("reversi", "square9", 2), "not 'square9' for 2"), (("reversi", "square8", 5), "for 5"),
     (("ataxx", "hex9", 2), "not 'hex9'"), (("nowhere:Game", "x", 2), "cannot be imported"),
     (("tests.games.connect:Missing", "x", 2), "cannot be imported"),
     (("tests.games.connect:LINES", "x", 2), "no class|not a class"),
     (("tests.games.connect:sizes", "x", 2), "could not be made"),
     (("tests.games.connect:Connect", "round", 2), "boards like")],
)  # fmt: skip
def test_what_is_not_there_is_refused_in_words(arguments: Any, words: str) -> None:
    with pytest.raises(UnknownGame, match=words):
        load_game(*arguments)
