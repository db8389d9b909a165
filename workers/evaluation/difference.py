"""What a share of the wins says about the difference of two strengths."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from workers.evaluation.lineups import expected_share, lineups

_REACH_ELO = 4000.0


class Difference(NamedTuple):
    """``share`` of the wins, 0 to 1, with half its 95 % interval; the same in Elo."""

    games: int
    share: float
    share_interval: float
    elo: float
    elo_interval: float


def difference(shares: Sequence[float], players: int) -> Difference:
    """From the share won in each match; the matches' own spread makes the interval.

    All or nothing counts as half a game less, so that it stays finite. Raises ValueError without matches.
    """
    if not shares:
        raise ValueError("no matches, no difference")
    games = len(shares) * len(lineups(players))
    mean = sum(shares) / len(shares)
    spread = sum((share - mean) ** 2 for share in shares) + 0.25 / len(lineups(players))
    error = math.sqrt(spread / (len(shares) + 1) / len(shares))
    edge = 0.5 / games
    inside = min(max(mean, edge), 1 - edge)
    step = edge / 2
    low, elo, high = (elo_of(share, players) for share in (inside - step, inside, inside + step))
    elo_interval = 1.96 * error * (high - low) / (2 * step)
    return Difference(games, mean, 1.96 * error, elo, elo_interval)


def elo_of(share: float, players: int) -> float:
    """The Elo at which ``share``, strictly between 0 and 1, is expected."""
    low, high = -_REACH_ELO, _REACH_ELO
    for _ in range(60):
        middle = (low + high) / 2
        if expected_share(middle, players) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2
