"""npz: flat arrays without objects, so that ``numpy.load`` needs no pickle. G games, M moves, S seats, V visits.

========================================  ==========================================================
id, game, board, rules, termination,      text [G]
network, search, worker
players, plies; seed; start, duration_s   int32; uint64; float64 [G]
moves, moves_at                           int32 [M]; those of game g are moves_at[g] to moves_at[g + 1]
visit_actions, visit_weights, visits_at   uint16 [V]; those of move m are visits_at[m] to visits_at[m + 1]
values                                    float32 [M, most seats], NaN where there is none
scores, winners, seats_at                 int32, bool [S]; those of game g from seats_at[g]
========================================  ==========================================================
"""

from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workers.records.record import GameRecord, decode_visits

_TEXTS = ("id", "game", "board", "rules", "termination", "network", "search", "worker")
_NUMBERS = (("players", "int32"), ("plies", "int32"), ("seed", "uint64"), ("start", "float64"), ("duration_s", "float64"))  # fmt: skip


def write_npz(games: Iterable[GameRecord], path: Path) -> int:
    """How many games were written; all of them are in memory for a while. Raises OSError, ImportError."""
    import numpy as np

    columns = _Columns()
    for game in games:
        columns.add(game)
    with open(path, "wb") as file:
        np.savez_compressed(file, **columns.arrays(np))
    return len(columns.plain)


class _Columns:
    def __init__(self) -> None:
        self.plain: list[tuple[Any, ...]] = []
        self.moves, self.scores = array("i"), array("i")
        self.moves_at, self.visits_at, self.seats_at = array("q", [0]), array("q", [0]), array("q", [0])  # fmt: skip
        self.actions, self.weights = array("H"), array("H")
        self.winners = array("b")
        self.values: list[tuple[float, ...]] = []

    def add(self, game: GameRecord) -> None:
        numbers = tuple(getattr(game, name) for name, _ in _NUMBERS)
        self.plain.append(tuple(getattr(game, name) for name in _TEXTS) + numbers)
        self.moves.extend(game.moves)
        self.moves_at.append(len(self.moves))
        for text in game.visits or (None,) * len(game.moves):
            for action, weight in decode_visits(text or ""):
                self.actions.append(action)
                self.weights.append(weight)
            self.visits_at.append(len(self.actions))
        self.values += [value or () for value in game.values or (None,) * len(game.moves)]
        self.scores.extend(game.scores)
        self.winners.extend(int(seat in game.winners) for seat in range(game.players))
        self.seats_at.append(len(self.scores))

    def arrays(self, np: Any) -> dict[str, Any]:
        columns = list(zip(*self.plain, strict=True)) or [()] * (len(_TEXTS) + len(_NUMBERS))
        found: dict[str, Any] = {
            name: np.array(column, dtype=np.str_)
            for name, column in zip(_TEXTS, columns, strict=False)
        }
        for (name, kind), column in zip(_NUMBERS, columns[len(_TEXTS) :], strict=True):
            found[name] = np.array(column, dtype=kind)
        found |= {
            "moves": np.array(self.moves, dtype=np.int32),
            "moves_at": np.array(self.moves_at, dtype=np.int64),
            "visit_actions": np.array(self.actions, dtype=np.uint16),
            "visit_weights": np.array(self.weights, dtype=np.uint16),
            "visits_at": np.array(self.visits_at, dtype=np.int64),
            "scores": np.array(self.scores, dtype=np.int32),
            "winners": np.array(self.winners, dtype=np.bool_),
            "seats_at": np.array(self.seats_at, dtype=np.int64),
            "values": self._padded(np),
        }
        return found

    def _padded(self, np: Any) -> Any:
        seats = max(map(len, self.values), default=0)
        padded = np.full((len(self.values), seats), np.nan, dtype=np.float32)
        for place, value in enumerate(self.values):
            padded[place, : len(value)] = value
        return padded
