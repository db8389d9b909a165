"""What the keeper remembers of its run directory, so that it can be made again under a run that lives."""

import os
from typing import Dict, Optional, Tuple

from workers.supervisor import exit_record, storage
from workers.supervisor.run import Run

_LIMIT_BYTES = 64 * 1024  # of a history, its first record and its newest


class Memory:
    """The bytes of the few small files that say what the run is."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._attempt = 0
        self._seen: Tuple[int, int] = (-1, -1)
        self._content: Dict[str, bytes] = {}

    def refresh(self, attempt: int) -> None:
        """Reads the files again where an event was written; one that cannot be read keeps its last content."""
        try:
            found = os.stat(self._run.paths.events)
        except OSError:
            return
        if (found.st_size, found.st_mtime_ns) == self._seen:
            return
        self._seen, self._attempt = (found.st_size, found.st_mtime_ns), attempt
        paths = self._run.paths
        names = [paths.spec, paths.desired, paths.events]
        if attempt:
            names.append(paths.attempt(attempt).pid)
        for name in names:
            try:
                self._content[name] = _shortened(storage.read_file(name))
            except OSError:
                continue

    def is_lost(self, lock: int) -> bool:
        """True where the run directory is gone, or its history, or the lock is not the one that is held."""
        try:
            there, ours = os.stat(self._run.paths.lock), os.fstat(lock)
            os.stat(self._run.paths.events)
        except FileNotFoundError:
            return True
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)

    def restore(self) -> Optional[int]:
        """Makes the run directory again; its lock, None where another was faster. Raises OSError."""
        paths = self._run.paths
        os.makedirs(paths.folder, mode=0o700, exist_ok=True)
        for folder in (paths.node_folder, os.path.dirname(paths.folder), paths.folder):
            storage.make_folder(folder)
        lock = storage.try_lock(paths.lock)
        if lock is None:
            return None
        if self._attempt:
            attempt = paths.attempt(self._attempt)
            storage.make_folder(attempt.folder)
            if not os.path.exists(attempt.exit_record):
                exit_record.prepare(attempt.exit_record)
        for name, content in self._content.items():
            if not os.path.exists(name):
                storage.write_atomic(name, content)
        return lock


def _shortened(content: bytes) -> bytes:
    """The first line and the newest ones, where it is long."""
    if len(content) <= _LIMIT_BYTES:
        return content
    first, _, rest = content.partition(b"\n")
    newest = rest[-(_LIMIT_BYTES - min(len(first), _LIMIT_BYTES // 2)) :]
    return first + b"\n" + newest.partition(b"\n")[2]
