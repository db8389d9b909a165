"""Strengths in Elo, as a pure function of the matches: nothing is kept, everything is fitted anew.

The model is Plackett and Luce's with ties (Turner et al. 2020, "Modelling rankings in R", eq. 4): of the seats
that are still to be placed, the set S takes the next place with odds δ_|S| · (Π_{i in S} a_i)^(1/|S|). With two
seats it is Davidson's Bradley-Terry model. Places go by who shares the win, then by score; below the first
place they are read as far as they are strict, since equal losers need not have tried to be unequal.

The logarithm of the likelihood is concave, and Newton's method finds its maximum. A weak prior keeps what has
only won, or never tied, finite: strengths are normal around the anchor with a standard deviation of 1000 Elo
(less than a tenth of what one even game tells), ln δ is normal around -2 with one of 2. Intervals are from the
Hessian at the maximum: ± 1.96 standard errors against the anchor.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from workers.evaluation.match_result import Game, MatchResult
from workers.evaluation.participant import RANDOM, Participant

ELO = 400 / math.log(10)
"""Elo in one unit of log odds."""
_PRIOR_ELO = 1000.0
_TIE_MEAN, _TIE_SD = -2.0, 2.0
_STEPS = 100
_CLOSE = 1e-9

Floats = npt.NDArray[np.float64]
Stage = tuple[tuple[Participant, ...], tuple[int, ...]]
"""Who was still to be placed, and which of them took the place."""


class Rating(NamedTuple):
    """``interval`` is half of the 95 % interval, in Elo; ``share`` of the wins, 0 to 1, in ``games``;
    ``anchored``: a chain of games leads to the anchor."""

    participant: Participant
    elo: float
    interval: float
    games: int
    share: float
    anchored: bool


def rate(results: Sequence[MatchResult]) -> list[Rating]:
    """Strongest first. All results must be of one ladder; raises ValueError where they are not."""
    games = [(result.participants, game) for result in results for game in result.games]
    if len({result.ladder for result in results}) > 1:
        raise ValueError("results of several ladders have no common scale")
    stages = Counter(stage for who, game in games for stage in _stages(who, game))
    names = sorted({participant for who, _ in games for participant in who} | {RANDOM})
    elo, interval = _fit(names, stages)
    played, won = _counts(games)
    reached = _reached(who for who, _ in games)
    ratings = [
        Rating(
            who, elo[i], interval[i], played[who], won[who] / max(1, played[who]), who in reached
        )
        for i, who in enumerate(names)
        if played[who]
    ]
    return sorted(ratings, key=lambda rating: (-rating.elo, rating.participant))


def _stages(participants: Sequence[Participant], game: Game) -> Iterable[Stage]:
    """The places of one game, from the first down to the first tie below it."""
    left = list(range(len(game.seats)))
    places = _places(game)
    for number, place in enumerate(places):
        if len(left) == 1 or (number and len(place) > 1):
            return
        seated = sorted(left, key=lambda seat: participants[game.seats[seat]])
        members = tuple(participants[game.seats[seat]] for seat in seated)
        yield members, tuple(sorted(seated.index(seat) for seat in place))
        left = [seat for seat in left if seat not in place]


def _places(game: Game) -> list[list[int]]:
    """Seats that share a place, best first: the winners, then the others by score."""
    others = [seat for seat in range(len(game.seats)) if seat not in game.winners]
    scores = sorted({game.scores[seat] for seat in others}, reverse=True)
    return [
        list(game.winners),
        *([seat for seat in others if game.scores[seat] == score] for score in scores),
    ]


def _counts(
    games: Sequence[tuple[Sequence[Participant], Game]],
) -> tuple[Counter[Participant], dict[Participant, float]]:
    played: Counter[Participant] = Counter()
    won: dict[Participant, float] = {RANDOM: 0.0}
    for participants, game in games:
        for number, who in enumerate(participants):
            wins = sum(game.seats[seat] == number for seat in game.winners)
            played[who] += 1
            won[who] = won.get(who, 0.0) + wins / len(game.winners)
    return played, won


def _reached(pairs: Iterable[Sequence[Participant]]) -> set[Participant]:
    """Everybody a chain of games joins to the anchor."""
    met = {frozenset(pair) for pair in pairs}
    reached, size = {RANDOM}, 0
    while size != len(reached):
        size = len(reached)
        reached |= {who for pair in met if pair & reached for who in pair}
    return reached


# ------------------------------------------------------------ the fit


class _Choices(NamedTuple):
    """Stages with as many seats: for each, the sets that could have taken the place as linear forms."""

    forms: Floats  # [stages, sets, parameters]
    taken: npt.NDArray[np.int64]  # [stages]
    counts: Floats  # [stages]


def _fit(names: Sequence[Participant], stages: Counter[Stage]) -> tuple[list[float], list[float]]:
    """Elo and half interval of each name; the anchor's are 0."""
    columns = {who: i for i, who in enumerate(who for who in names if who != RANDOM)}
    largest = max((len(members) for members, _ in stages), default=2)
    width = len(columns) + largest - 1
    choices = [_choices(stages, seats, columns, width) for seats in range(2, largest + 1)]
    mean = np.array([0.0] * len(columns) + [_TIE_MEAN] * (largest - 1))
    precision = np.array([(ELO / _PRIOR_ELO) ** 2] * len(columns) + [_TIE_SD**-2.0] * (largest - 1))
    at, hessian = _maximum([c for c in choices if len(c.counts)], mean, precision)
    error = np.sqrt(np.diag(np.linalg.inv(hessian)))
    strengths = [at[columns[who]] if who in columns else 0.0 for who in names]
    errors = [error[columns[who]] if who in columns else 0.0 for who in names]
    return [float(s) * ELO for s in strengths], [float(e) * 1.96 * ELO for e in errors]


def _choices(
    stages: Counter[Stage], seats: int, columns: dict[Participant, int], width: int
) -> _Choices:
    """In a fixed order, so that sums do not depend on that of the log."""
    chosen = sorted(item for item in stages.items() if len(item[0][0]) == seats)
    sets = [s for size in range(1, seats + 1) for s in combinations(range(seats), size)]
    forms = np.zeros((len(chosen), len(sets), width))
    for row, ((members, _), _) in enumerate(chosen):
        for column, members_of_set in enumerate(sets):
            for seat in members_of_set:
                if members[seat] in columns:
                    forms[row, column, columns[members[seat]]] += 1 / len(members_of_set)
            if len(members_of_set) > 1:
                forms[row, column, len(columns) + len(members_of_set) - 2] = 1.0
    taken = np.array([sets.index(place) for (_, place), _ in chosen], dtype=np.int64)
    return _Choices(forms, taken, np.array([float(count) for _, count in chosen]))


def _maximum(choices: Sequence[_Choices], mean: Floats, precision: Floats) -> tuple[Floats, Floats]:
    """The parameters at the maximum and the negative Hessian there. Newton's steps, halved while one fails."""
    at = mean.copy()
    value, slope, hessian = _posterior(choices, at, mean, precision)
    for _ in range(_STEPS):
        step = np.linalg.solve(hessian, slope)
        if float(slope @ step) < _CLOSE:
            break
        size = 1.0
        tried = _posterior(choices, at + step, mean, precision)
        while tried[0] < value and size > 1e-6:
            size /= 2
            tried = _posterior(choices, at + size * step, mean, precision)
        at = at + size * step
        value, slope, hessian = tried
    return at, hessian


def _posterior(
    choices: Sequence[_Choices], at: Floats, mean: Floats, precision: Floats
) -> tuple[float, Floats, Floats]:
    """Logarithm, gradient and negative Hessian."""
    off = at - mean
    value = -0.5 * float(precision @ (off * off))
    slope, hessian = -precision * off, np.diag(precision)
    for forms, taken, counts in choices:
        scores = forms @ at
        scores -= scores.max(1, keepdims=True)
        odds = np.exp(scores)
        chances = odds / odds.sum(1, keepdims=True)
        rows = np.arange(len(taken))
        value += float(counts @ np.log(chances[rows, taken]))
        expected = np.einsum("rs,rsp->rp", chances, forms)
        slope = slope + counts @ (forms[rows, taken] - expected)
        centred = forms - expected[:, None, :]
        weighted = (centred * (chances * counts[:, None])[:, :, None]).reshape(-1, len(at))
        hessian = hessian + weighted.T @ centred.reshape(-1, len(at))
    return value, slope, hessian
