"""How many games of two workers are the same: many, where they were given the same seeds."""

from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from typing import NamedTuple


class Pair(NamedTuple):
    """Two workers, or one and itself."""

    one: str
    other: str
    games: int
    """That both have; of one and itself, those it played again."""
    rate: float
    """Of the games of the one that has fewer, 0 to 1."""


class Duplicates:
    """Takes games by worker and id (32 hexadecimal digits); about 150 bytes a game."""

    def __init__(self) -> None:
        self._owners: dict[bytes, int] = {}  # a bit for each worker
        self._workers: list[str] = []
        self._bits: dict[str, int] = {}
        self._again: Counter[int] = Counter()
        self._games: Counter[int] = Counter()

    def add(self, worker: str, identities: Iterable[str]) -> None:
        """Raises ValueError for an id that is none."""
        if worker not in self._bits:
            self._bits[worker] = 1 << len(self._workers)
            self._workers.append(worker)
        bit = self._bits[worker]
        for identity in identities:
            key = bytes.fromhex(identity)
            owners = self._owners.get(key, 0)
            self._owners[key] = owners | bit if owners else bit
            if owners & bit:
                self._again[bit] += 1
            self._games[bit] += 1

    @property
    def games(self) -> int:
        return self._games.total()

    @property
    def distinct(self) -> int:
        return len(self._owners)

    def pairs(self) -> list[Pair]:
        """Those that share any game, the highest rate first."""
        shared: Counter[tuple[int, int]] = Counter()
        for owners, times in Counter(self._owners.values()).items():
            bits = [bit for bit in self._bits.values() if owners & bit] if owners else []
            for pair in combinations(bits, 2):
                shared[pair] += times
        found = [self._pair(one, other, games) for (one, other), games in shared.items()]
        found += [self._pair(bit, bit, games) for bit, games in self._again.items()]
        return sorted(found, key=lambda pair: (-pair.rate, -pair.games, pair.one, pair.other))

    def _pair(self, one: int, other: int, games: int) -> Pair:
        fewer = min(self._games[bit] - (self._again[bit] if one != other else 0) for bit in (one, other))  # fmt: skip
        return Pair(self._name(one), self._name(other), games, games / fewer)

    def _name(self, bit: int) -> str:
        return self._workers[bit.bit_length() - 1]
