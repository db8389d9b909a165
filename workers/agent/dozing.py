"""Processes that have slept for long: most of a node's, and not worth a look at every sweep."""

from typing import Container, Dict, Optional

AFTER = 10  # sweeps without any sign of life
TURNS = 4  # they are read at one sweep of so many


class Dozing:
    """By pid. Used by one thread at a time."""

    def __init__(self) -> None:
        self._sweep = 0
        self._still: Dict[int, int] = {}  # sweeps that found it as it was
        self._read_at: Dict[int, float] = {}

    def begin(self, present: Container[int]) -> None:
        """Another sweep; who is not ``present`` is forgotten."""
        self._sweep += 1
        self._still = {pid: count for pid, count in self._still.items() if pid in present}
        self._read_at = {pid: at for pid, at in self._read_at.items() if pid in present}

    def is_skipped(self, pid: int) -> bool:
        """Whether this sweep does without a look at it."""
        return self._still.get(pid, 0) >= AFTER and (pid + self._sweep) % TURNS != 0

    def read_at(self, pid: int) -> Optional[float]:
        """When it was read last, where that was not at the sweep before."""
        return self._read_at.get(pid)

    def slept(self, pid: int, at: float) -> None:
        """A look found it as it was."""
        self._still[pid] = count = self._still.get(pid, 0) + 1
        if count >= AFTER:
            self._read_at[pid] = at

    def woke(self, pid: int) -> None:
        """A look found it changed."""
        self._still.pop(pid, None)
        self._read_at.pop(pid, None)
