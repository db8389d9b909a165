"""The gate's test: is the candidate stronger by ``elo1`` rather than by ``elo0``?

Wald's sequential probability ratio test in the normal approximation over whole matches, as chess engines are
tested (Van den Bergh, "The generalized sequential probability ratio test for Elo"): a match's games share an
opening and are not independent, matches are.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from workers.evaluation.lineups import expected_share, lineups

_IMAGINED = 4


class Sprt(NamedTuple):
    """Elo of the two hypotheses, error rates, and the limits in games."""

    elo0: float = 0.0
    elo1: float = 35.0
    alpha: float = 0.05
    beta: float = 0.05
    min_games: int = 64
    max_games: int = 800

    @property
    def lower(self) -> float:
        """At or below it the candidate is rejected."""
        return math.log(self.beta / (1 - self.alpha))

    @property
    def upper(self) -> float:
        """At or above it the candidate is accepted."""
        return math.log((1 - self.beta) / self.alpha)


class Verdict(NamedTuple):
    """``decision`` is "accept", "reject", "inconclusive" (no games are left) or "continue"."""

    decision: str
    llr: float
    """Log-likelihood ratio of elo1 against elo0."""
    games: int
    share: float
    """What the candidate won of these games, 0 to 1."""


def judge(test: Sprt, shares: Sequence[float], players: int) -> Verdict:
    """Looks after each match from ``min_games`` on, and stays with the first decision.

    ``shares``: the candidate's share of the wins in each match, in the order they were started.
    """
    per_match = len(lineups(players))
    low, high = expected_share(test.elo0, players), expected_share(test.elo1, players)
    total = squares = llr = 0.0
    for number, share in enumerate(shares, 1):
        total, squares = total + share, squares + share * share
        games, mean = number * per_match, total / number
        llr = _llr(number, mean, squares, low, high, per_match)
        if games < test.min_games:
            continue
        if llr >= test.upper:
            return Verdict("accept", llr, games, mean)
        if llr <= test.lower:
            return Verdict("reject", llr, games, mean)
        if games + per_match > test.max_games:
            return Verdict("inconclusive", llr, games, mean)
    played = len(shares)
    return Verdict("continue", llr, played * per_match, total / played if played else 0.5)


def matches_left(test: Sprt, played: int, players: int) -> int:
    """How many more the test could ask for."""
    return max(0, test.max_games // len(lineups(players)) - played)


def _llr(
    matches: int, mean: float, squares: float, low: float, high: float, per_match: int
) -> float:
    # Imagined matches of tossed coins, so that a few equal results are not certainty.
    spread = squares - matches * mean * mean + _IMAGINED * 0.25 / per_match
    variance = spread / (matches + _IMAGINED)
    return matches * (high - low) * (2 * mean - low - high) / (2 * variance)
