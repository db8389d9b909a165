"""One file of a dataset as the ledger wants it: how it travels, its whole lines, its records."""

import os
import stat
from typing import Dict, NamedTuple, Optional, Tuple

from workers.agent.data.cache import Table
from workers.agent.data.entry import SETTLED_NS, Entry
from workers.agent.data.lines import GZIP, ZSTD
from workers.agent.data.method import Method
from workers.agent.data.outcome import Busy, CountFault, Stopped, Uncountable, Unreadable
from workers.agent.data.shards import Sealed, sealed
from workers.agent.data.walk import FLAGS, Found
from workers.ledger.shapes import JOURNAL, LINES, SHARD, SQLITE, WHOLE, DataFile

OPEN = "open"  # the folder of journals beside the days of shards
_PIECE_BYTES = 64 * 1024


class Known(NamedTuple):
    """A file that was described when it was settled: as long as its marks are these, it is the same."""

    size: int
    mtime_ns: int
    ctime_ns: int
    file: DataFile


Memory = Dict[Tuple[str, int, int], Known]  # by method, device, inode


class Describer:
    """Describes the files of one dataset, one after the other.

    ``table`` is what is remembered of counts; ``now_ns`` the wall clock when the pass began; ``memory`` what is
    known of earlier passes.
    """

    def __init__(
        self, method: Method, word: str, table: Table, memory: Memory, now_ns: int
    ) -> None:
        self._method = method
        self._memory = memory
        self._word = word.partition(":")[0]
        self._table = table
        self._now_ns = now_ns
        self.changed = False
        self.fault = ""
        """What is wrong with the last file, which is listed all the same."""

    def file(self, path: str, found: Found) -> DataFile:
        """Raises CountFault, OSError where there is nothing to list, Stopped."""
        self.fault = ""
        named = sealed(path.rpartition("/")[2])
        if named and self._word in ("lines", "shards"):
            return self._shard(path, found, named)
        if self._word in ("lines", "shards"):
            return self._remembered(path, found)
        entry = self._count(found)
        if self._word == "sqlite":
            return self._database(path, found, entry)
        return self._whole(path, found.status, entry)

    def _remembered(self, path: str, found: Found) -> DataFile:
        """A text is opened to tell what it is and where its last line ends: once, as long as it stays as it is."""
        status = found.status
        key = (self._word, status.st_dev, status.st_ino)
        marks = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        known = self._memory.get(key)
        if known is not None and known[:3] == marks and known.file.path == path:
            return known.file
        file = self._text(path, found, self._count(found))
        if file.settled and not self.fault and (file.size, file.mtime_ns) == marks[:2]:
            self._memory[key] = Known(*marks, file)
        else:
            self._memory.pop(key, None)
        return file

    def _is_open(self, path: str) -> bool:
        return self._word == "shards" and path.split("/")[-2:-1] == [OPEN]

    def _shard(self, path: str, found: Found, named: Sealed) -> DataFile:
        status = found.status
        if status.st_size == 0:
            raise Unreadable("a shard without a byte: its disk lost it")
        whole = self._whole(path, status, None)
        return whole._replace(records=named.records, sealed_hash=named.digest, kind=SHARD)

    def _database(self, path: str, found: Found, entry: Optional[Entry]) -> DataFile:
        size, mtime_ns = database_mark(found.path, found.status)
        settled = self._is_settled(mtime_ns, found.status.st_ctime_ns)
        records = None if entry is None else entry.records
        return DataFile(path, size, size, records, mtime_ns, kind=SQLITE, settled=settled)

    def _text(self, path: str, found: Found, entry: Optional[Entry]) -> DataFile:
        file = os.open(found.path, FLAGS | os.O_NOFOLLOW)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable("became something else than a regular file")
            magic = os.pread(file, 4, 0)
            if magic[:3] == GZIP or magic == ZSTD or entry is None:
                return self._whole(path, status, entry)
            prefix = last_line_end(file, entry.size) if entry.open else entry.size
        finally:
            os.close(file)
        kind = JOURNAL if self._is_open(path) else LINES
        settled = self._is_settled(entry.mtime_ns, entry.ctime_ns)
        return DataFile(
            path, entry.size, prefix, entry.records, entry.mtime_ns, kind=kind, settled=settled
        )

    def _whole(self, path: str, status: os.stat_result, entry: Optional[Entry]) -> DataFile:
        size, mtime_ns = status.st_size, status.st_mtime_ns
        settled = self._is_settled(mtime_ns, status.st_ctime_ns)
        records = None if entry is None else entry.records
        return DataFile(path, size, size, records, mtime_ns, kind=WHOLE, settled=settled)

    def _count(self, found: Found) -> Optional[Entry]:
        """None where it cannot be counted; ``fault`` says why where that is not this node's poverty."""
        key = (found.status.st_dev, found.status.st_ino)
        known = self._table.get(key)
        try:
            entry = self._method.count(found, known)
        except Stopped:
            raise
        except (Busy, Uncountable):
            return None
        except CountFault as fault:
            self.fault = str(fault)
            return None
        if entry is not known and entry.size >= 0:
            self._table[key] = entry
            self.changed = True
        return entry

    def _is_settled(self, *times_ns: int) -> bool:
        """A clock that was set back makes times of the future, which no write of now will have again."""
        return all(abs(self._now_ns - time_ns) > SETTLED_NS for time_ns in times_ns)


def database_mark(path: str, status: os.stat_result) -> Tuple[int, int]:
    """Size and time of an SQLite database with its write-ahead log: other ones after every write."""
    size, mtime_ns = status.st_size, status.st_mtime_ns
    try:
        log = os.stat(path + "-wal", follow_symlinks=False)
    except OSError:
        return size, mtime_ns
    return size + log.st_size, max(mtime_ns, log.st_mtime_ns) if log.st_size else mtime_ns


def last_line_end(file: int, size: int) -> int:
    """How many of the first ``size`` bytes are whole lines."""
    while size > 0:
        start = max(0, size - _PIECE_BYTES)
        at = os.pread(file, size - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        size = start
    return 0
