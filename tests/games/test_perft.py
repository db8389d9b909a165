"""Numbers of lines of play, against published and specified ones."""

from __future__ import annotations

import pytest

from tests.games.perft import perft
from workers.games import load_game

REVERSI = {
    ("square8", 2): [4, 12, 56, 244, 1396, 8200, 55092, 390216],  # the published numbers of Othello
    ("square8", 3): [3, 7, 16, 64, 217, 776],
    ("square8", 4): [3, 7, 16, 28, 105, 317],
    ("hex8", 2): [9, 54, 276, 1446],
    ("hex8", 3): [2, 6, 14, 72, 384],
    ("hex8", 4): [3, 7, 16, 39, 176],
}


@pytest.mark.parametrize(("board", "players"), REVERSI)
def test_reversi_has_as_many_lines_of_play_as_it_must(board: str, players: int) -> None:
    game = load_game("reversi", board, players)
    expected = REVERSI[board, players]
    assert [perft(game, depth + 1) for depth in range(len(expected))] == expected


def test_ataxx_has_as_many_lines_of_play_as_is_published() -> None:
    game = load_game("ataxx", "square7", 2)
    assert [perft(game, depth) for depth in (1, 2, 3, 4)] == [16, 256, 6460, 155888]
