"""What one dataset adds up to, file by file."""

import os
from typing import Dict, List, Optional, Set, Tuple

from workers.agent.data.entry import Entry
from workers.protocol import DatasetCount

NAMED = 20  # names and faults that are told; the rest is a number
NAME_LENGTH = 300
COUNTING = "counting…"
LISTED_SHARDS = 20_000  # each is 24 bytes of a frame of at most 4 MiB

Key = Tuple[int, int]  # device, inode


class Tally:
    """Adds up one dataset. ``result()`` may be asked at any time, from any thread."""

    def __init__(self, name: str, root: str) -> None:
        self.seen: Set[Key] = set()
        self.files = 0
        self.records = 0
        self.bytes = 0
        self.newest_ns = -1
        self._name = name
        self._prefix = root.rstrip("/") + "/"
        self._read = 0
        self._unreadable: List[str] = []
        self._unreadable_files = 0
        self._faults: List[str] = []
        self._more_faults = 0
        self._reason: Optional[str] = None

    def found(self, status: os.stat_result) -> Optional[Key]:
        """Notes a file's size and time. None: it was reached before and must not count again."""
        key = (status.st_dev, status.st_ino)
        if key in self.seen:
            return None
        self.seen.add(key)
        self.files += 1
        self.bytes += status.st_size
        if status.st_mtime_ns > self.newest_ns:
            self.newest_ns = status.st_mtime_ns
        return key

    def counted(self, path: str, entry: Entry) -> None:
        self._read += 1
        self.records += entry.records
        if entry.fault is not None:
            self.fault(f"{self.short(path)}: {entry.fault}")
        if entry.open:
            self.fault(f"{self.short(path)}: last line has no newline, not counted")

    def unreadable(self, path: str, reason: str) -> None:
        self._unreadable_files += 1
        name = self.short(path)
        if len(self._unreadable) < NAMED:
            self._unreadable.append(name)
        self.fault(f"{name}: {reason}")

    def unknown(self, reason: str) -> None:
        """The dataset has no number: the first reason is told, the others are faults."""
        if self._reason is None:
            self._reason = reason
        else:
            self.fault(reason)

    def fault(self, text: str) -> None:
        if len(self._faults) < NAMED:
            self._faults.append(text)
        else:
            self._more_faults += 1

    def short(self, path: str) -> str:
        """The path relative to the root where it lies below it."""
        if path.startswith(self._prefix):
            path = path[len(self._prefix) :]
        return path if len(path) <= NAME_LENGTH else "…" + path[-NAME_LENGTH:]

    def so_far(self) -> DatasetCount:
        """Of a count that goes on: its files, and no records."""
        return self._count(COUNTING)

    def result(self, shards: Optional[Dict[str, int]], copies: int) -> DatasetCount:
        """Of a count that ended. ``shards``: hash → records; None where there are none to list."""
        if self._reason is None and self._unreadable_files and not self._read:
            self._reason = f"{self._unreadable_files} unreadable, nothing readable"
        if copies:
            self.fault(f"{_files(copies)}: copies of shards that are counted already")
        count = self._count(self._reason)
        if shards is None or len(shards) > LISTED_SHARDS:
            return count
        listed = tuple([f"{digest}:{records}" for digest, records in shards.items()])
        return count._replace(shards=listed, shards_listed=True)

    def _count(self, reason: Optional[str]) -> DatasetCount:
        faults = tuple(self._faults)
        if self._more_faults:
            faults += (f"and {self._more_faults} more faults",)
        return DatasetCount(
            name=self._name,
            files=self.files,
            records=self.records if reason is None else None,
            bytes=self.bytes,
            newest_at=self.newest_ns / 1e9 if self.files else None,
            reason=reason,
            unreadable_files=self._unreadable_files,
            unreadable=tuple(self._unreadable),
            faults=faults,
        )


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"
