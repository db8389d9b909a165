"""Who plays: weights and a way of choosing moves. The same weights with another search are somebody else."""

from typing import NamedTuple


class Participant(NamedTuple):
    """``weights`` is the hash of a network's weights, "" for a player without one; ``search`` as searchers
    name themselves: "random", "greedy", "policy", "puct:32"."""

    weights: str
    search: str

    @property
    def name(self) -> str:
        """For people: "puct:32 ab12cd34", "random"."""
        return f"{self.search} {self.weights[:8]}" if self.weights else self.search


RANDOM = Participant("", "random")
"""The anchor of every ladder: 0 Elo."""


class Ladder(NamedTuple):
    """What strengths can be compared on; nothing is ever compared across two of these."""

    game: str
    rules: str
    board: str
    players: int

    @property
    def name(self) -> str:
        return f"{self.game} {self.board} {self.players}p"
