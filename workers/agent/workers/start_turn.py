"""Starts on one node take turns: the threads of this agent in a queue, agents by a lock file."""

import os
import threading
from contextlib import contextmanager
from typing import Iterator

from workers.supervisor import storage
from workers.supervisor.runs import Runs

PATIENCE_S = 30.0


class Busy(Exception):
    """Another start has the turn for too long. Says so."""


class StartTurn:
    """What was read of the runs is kept from turn to turn: a start among hundreds costs a few looks."""

    def __init__(self, node_folder: str) -> None:
        self._runs = Runs(node_folder)
        self._queue = threading.Lock()

    @contextmanager
    def look(self) -> Iterator[Runs]:
        """The runs, for whoever changes nothing. Raises Busy."""
        if not self._queue.acquire(timeout=PATIENCE_S):
            raise self._busy()
        try:
            yield self._runs
        finally:
            self._queue.release()

    @contextmanager
    def held(self) -> Iterator[Runs]:
        """The runs, while nobody else on this node starts anything. Raises Busy, OSError.

        They are not to be used outside.
        """
        with self.look() as runs:
            os.makedirs(runs.node_folder, mode=0o700, exist_ok=True)
            lock = storage.wait_lock(runs.start_lock, PATIENCE_S)
            if lock is None:
                raise self._busy()
            try:
                yield runs
            finally:
                os.close(lock)

    def _busy(self) -> Busy:
        return Busy(f"another start holds {self._runs.start_lock} for {PATIENCE_S:.0f} s already")
