"""A worker's name, held: its journal, open and locked. Whoever holds it writes all files of that name alone."""

import os
import time
from contextlib import suppress
from pathlib import Path

from workers.harness.errors import Misconfigured
from workers.records.disk import (
    COMMON,
    is_still,
    make_folders,
    naming,
    remove_quietly,
    sync_folder,
    try_lock,
)
from workers.records.names import Places

_OPEN = os.O_RDWR | os.O_APPEND | COMMON
PATIENCE_S = 10.0  # somebody who recovers a dead writer's games holds its lock meanwhile
POLL_S = 0.02


class WriterExists(Misconfigured):
    """Another process writes under this worker's name."""


class Claim:
    """``file`` is the journal's descriptor. The lock is never without an owner between two journals."""

    def __init__(self, places: Places, worker: str, file: int) -> None:
        self.places = places
        self.worker = worker
        self.file = file
        self._named = False

    @classmethod
    def begin(cls, places: Places, worker: str) -> "Claim":
        """With a new, empty journal. Raises FileExistsError where there is one, OSError."""
        path = places.journal(worker)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            file = os.open(path, _OPEN | os.O_CREAT | os.O_EXCL, 0o666)
            try:
                if _is_ours(path, file, deadline):
                    return cls(places, worker, file)
            except BaseException:
                os.close(file)
                raise
            os.close(file)  # who looked for dead writers has taken it for one's

    @classmethod
    def of_dead(cls, places: Places, worker: str) -> "Claim | None":
        """The journal of a writer that died; None while it lives, or where there is none. Raises OSError."""
        path = places.journal(worker)
        try:
            file = os.open(path, _OPEN)
        except FileNotFoundError:
            return None
        try:
            with naming(path):
                if try_lock(file) and is_still(path, file):
                    return cls(places, worker, file)
        except OSError:
            os.close(file)
            raise
        os.close(file)
        return None

    def sync(self) -> None:
        """Everything written so far is durable. Raises OSError."""
        if not self._named:
            sync_folder(self.places.open)
            self._named = True
        with naming(self.path):
            os.fsync(self.file)

    @property
    def is_in_place(self) -> bool:
        """False where somebody has removed or moved the journal under our hands. Raises OSError."""
        return is_still(self.path, self.file)

    def renew(self) -> None:
        """An empty journal takes the place of this one, whose games are in a shard.

        Raises OSError, WriterExists where another process's journal is in that place.
        """
        moved = not self.is_in_place
        if moved and self.path.exists():
            raise WriterExists(f"{self.path}: another process writes under this name")
        make_folders(self.places.open)
        fresh = self.places.fresh(self.worker)
        file = os.open(fresh, _OPEN | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            if not try_lock(file):
                raise WriterExists(f"{fresh}: locked by another process")
            os.rename(fresh, self.path)
        except BaseException:
            os.close(file)
            remove_quietly(fresh)
            raise
        self._forget(moved)
        self.file, self._named = file, False

    def drop(self) -> None:
        """Gives the name back; the journal's games are in a shard, or it has none. Raises OSError."""
        moved = False
        try:
            for leftover in (self.places.fresh, self.places.draft):
                leftover(self.worker).unlink(missing_ok=True)
            moved = not self.is_in_place
            if not moved:
                os.unlink(self.path)
        finally:
            self._forget(moved)

    def _forget(self, moved: bool) -> None:
        if moved:  # wherever it is now, nobody shall find its games a second time
            with suppress(OSError):
                os.ftruncate(self.file, 0)
        os.close(self.file)

    def let_go(self) -> None:
        """Gives the name back and leaves everything there, as a death would."""
        os.close(self.file)

    @property
    def path(self) -> Path:
        return self.places.journal(self.worker)


def _is_ours(path: Path, file: int, deadline: float) -> bool:
    """Locked and in its place. False where it was removed before we had the lock. Raises OSError, WriterExists."""
    with naming(path):
        while not try_lock(file):
            if time.monotonic() >= deadline:
                raise WriterExists(f"{path}: locked by another process")
            time.sleep(POLL_S)
        return is_still(path, file)
