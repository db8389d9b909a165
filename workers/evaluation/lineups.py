"""Who sits where. Two participants share the seats of a game, and every arrangement is played."""

from functools import cache
from itertools import product

Lineup = tuple[int, ...]
"""For each seat, which of two participants (0 or 1) plays it."""


@cache
def lineups(players: int) -> tuple[Lineup, ...]:
    """Every arrangement that is closed under rotation and treats both alike: 2, 6 and 6 for 2, 3, 4 seats.

    With an even number of seats each has half of them; with three, each has two seats as often as one.
    """
    low, high = players // 2, (players + 1) // 2
    return tuple(seats for seats in product((0, 1), repeat=players) if low <= sum(seats) <= high)


def expected_share(elo: float, players: int) -> float:
    """Of the wins, 0 to 1: what participant 0 wins of a match when it is ``elo`` stronger.

    Each seat wins in proportion to 10^(Elo / 400) (Plackett and Luce): with two players the formula of Elo.
    """
    strength = 10 ** (elo / 400)
    shares = []
    for seats in lineups(players):
        own = strength * (players - sum(seats))
        shares.append(own / (own + sum(seats)))
    return sum(shares) / len(shares)
