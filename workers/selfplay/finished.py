"""From a game that is over to its record."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.records import GameRecord, encode_visits, game_id
from workers.selfplay.slots import Finished

_PASS = -1


class Origin(NamedTuple):
    """What all games of a worker have in common."""

    game: str
    board: str
    players: int
    rules: str
    search: str
    worker: str


def record_of(ended: Finished, origin: Origin, network: str) -> GameRecord:
    """``network``: the hash of the one that made its last move, "" without."""
    moves: list[int] = []
    visits: list[str | None] = []
    values: list[tuple[float, ...] | None] = []
    for turn in range(len(ended.moves)):
        passes = int(ended.passes[turn])
        moves += [int(ended.moves[turn])] + [_PASS] * passes
        visits += [_target(ended, turn)] + [None] * passes
        value = None if ended.values is None else tuple(ended.values[turn].tolist())
        values += [value] + [None] * passes
    best = max(ended.scores)
    return GameRecord(
        version=1,
        id=game_id(origin.game, origin.board, origin.players, origin.rules, moves),
        game=origin.game,
        board=origin.board,
        players=origin.players,
        rules=origin.rules,
        seed=ended.seed,
        moves=tuple(moves),
        visits=tuple(visits) if any(visits) else (),
        values=tuple(values) if ended.values is not None else (),
        scores=ended.scores,
        winners=tuple(seat for seat, score in enumerate(ended.scores) if score == best),
        termination="natural" if ended.natural else "max_moves",
        plies=len(moves),
        network=network,
        search=origin.search,
        worker=origin.worker,
        start=ended.began,
        duration_s=round(ended.duration_s, 3),
    )


def _target(ended: Finished, turn: int) -> str | None:
    if ended.weights is None or not ended.targets[turn]:
        return None
    weights: NDArray[Any] = ended.weights[turn]
    (moves,) = np.nonzero(weights)
    return encode_visits(zip(moves.tolist(), weights[moves].tolist(), strict=True))
