"""What a game teaches: for which plies it has a target, for which it owes one, and what the target is."""

import base64
import binascii
import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.records.record import PASS, GameRecord

_CAP = re.compile(r"\bcap \d")


class Target(NamedTuple):
    """Of one ply: the search's visits. int64 [n] actions, float32 [n] weights that sum to 1."""

    ply: int
    actions: NDArray[np.int64]
    weights: NDArray[np.float32]


def read_targets(record: GameRecord) -> tuple[list[Target], int]:
    """The targets there are, and how many there should be.

    A ply owes a target unless it is a forced pass, or its search was a fast one: the record's ``search`` names
    a playout cap ("puct:32, cap 0.25:8"; KataGo, arXiv 1902.10565), and the ply has a root's value and, on
    purpose, no visits. A target that cannot be read, or has no weight, is owed and not there.
    """
    visits = record.visits or (None,) * len(record.moves)
    values = record.values or (None,) * len(record.moves)
    played = [ply for ply, move in enumerate(record.moves) if move != PASS]
    fast = 0
    if _CAP.search(record.search):
        fast = sum(visits[ply] is None and values[ply] is not None for ply in played)
    read = (_target(ply, visits[ply]) for ply in played if visits[ply] is not None)
    return [target for target in read if target is not None], len(played) - fast


def _target(ply: int, text: str | None) -> Target | None:
    """(action, weight) pairs of little-endian u16, in base64."""
    try:
        pairs = np.frombuffer(base64.b64decode(text or "", validate=True), dtype="<u2").reshape(
            -1, 2
        )
    except (binascii.Error, ValueError):
        return None
    total = float(pairs[:, 1].sum(dtype=np.int64))
    if total <= 0:
        return None
    weights = pairs[:, 1].astype(np.float32) / np.float32(total)
    return Target(ply, pairs[:, 0].astype(np.int64), weights)


def outcome(record: GameRecord) -> list[float]:
    """What each absolute seat got, in [-1, 1], sum 0: the winners share 1 evenly."""
    seats, winners = record.players, set(record.winners)
    if seats == 1 or not winners:
        return [0.0] * seats
    share = seats / len(winners)
    return [((share if seat in winners else 0.0) - 1) / (seats - 1) for seat in range(seats)]
