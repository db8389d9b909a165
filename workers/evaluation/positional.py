"""A baseline that knows places: corners are good, cells beside them bad, edges better than the middle.

Reversi only. A cell is worth the more the fewer lines run through it, since a disc is turned along a line
with neighbours on both ends: at a corner, of a square or of a hexagon, there is none.
"""

import torch
from torch import Tensor

from workers.games import State, TensorGame, take
from workers.games.board import Board, board_named
from workers.harness import Misconfigured
from workers.search import Searched

_CORNER, _BESIDE_CORNER, _EDGE, _MIDDLE = 100.0, -20.0, 8.0, 1.0
_WON = 10000.0  # a finished game is worth its lead, before everything else
_CHUNK = 4096


def cell_values(board: Board) -> list[float]:
    """What a disc is worth on each cell."""
    lines = [_lines_through(board, cell) for cell in range(board.cells)]
    corners = {cell for cell, count in enumerate(lines) if count == 0}
    values = []
    for cell, count in enumerate(lines):
        if cell in corners:
            values.append(_CORNER)
        elif corners & set(_neighbours(board, cell)):
            values.append(_BESIDE_CORNER)
        else:
            values.append(_EDGE if count == 1 else _MIDDLE)
    return values


def _neighbours(board: Board, cell: int) -> list[int | None]:
    """By direction; None off the board."""
    row, column = board.places[cell]
    return [board.numbers.get((row + down, column + right)) for down, right in board.directions]


def _lines_through(board: Board, cell: int) -> int:
    """Opposite directions that both stay on the board."""
    near = _neighbours(board, cell)
    half = len(near) // 2
    return sum(near[i] is not None and near[i + half] is not None for i in range(half))


class PositionalSearcher:
    """The moves after which the mover's discs are worth most, less those of the others."""

    name = "positional"
    targets = False

    def __init__(self, game: TensorGame) -> None:
        if game.name != "reversi":
            raise Misconfigured(f"positional plays reversi, not {game.name}")
        self._game = game
        plane = game.action_plane()
        self._values = torch.zeros(game.height * game.width, device=plane.device)
        self._values[plane] = torch.tensor(
            cell_values(board_named(game.board)), device=plane.device
        )

    @torch.inference_mode()
    def search(self, states: State, keys: Tensor | None = None) -> Searched:
        legal = self._game.legal(states).t()
        games, moves = legal.nonzero(as_tuple=True)
        movers = self._game.mover(states)
        worth = torch.full(legal.shape, -torch.inf, device=legal.device)
        for at in range(0, len(games), _CHUNK):
            rows, tried = games[at : at + _CHUNK], moves[at : at + _CHUNK]
            after, _ = self._game.step(take(states, rows), tried)
            worth[rows, tried] = self._worth(after, movers[rows])
        best = worth.amax(1, keepdim=True)
        return Searched(((worth == best) & legal).float(), None, 0, 0)

    def _worth(self, after: State, movers: Tensor) -> Tensor:
        """float32 [K]: to those who have just moved, int64 [K]."""
        game = self._game
        discs = game.features(after)[:, : game.players].flatten(2) @ self._values  # [K, P]
        own = ((movers - game.mover(after)) % game.players)[:, None]
        lead = 2 * discs.gather(1, own)[:, 0] - discs.sum(1)
        won = game.returns(after).gather(0, movers[None, :])[0]
        return lead + _WON * won * game.done(after)
