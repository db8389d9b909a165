"""Method ``sqlite:TABLE``: the rows of one table, without ever making a writer wait for long.

- A database nobody writes to at the moment is read without a lock, as if it could not change. Size, mtime
  and the header's change counter before and after say whether it did; then the count is thrown away.
- A write-ahead log with something in it is read the normal way: its readers stop no writer.
- Where a rollback-journal database is written to all the time, a normal read takes the shared lock
  and is interrupted after 50 ms.

https://www.sqlite.org/fileformat2.html (header), https://www.sqlite.org/lockingv3.html
"""

import os
import time
from typing import Callable, NamedTuple, Optional, Tuple

from workers.agent.data.entry import Entry, begin, holds, settled_ns
from workers.agent.data.method import Method
from workers.agent.data.opening import open_regular
from workers.agent.data.outcome import ShouldStop, Uncountable, Unreadable, words
from workers.agent.data.walk import Found

LOCKED_S = 0.05  # the longest a rollback-journal writer may be kept waiting
LONGEST_S = 60.0  # of any count
TICK_NS = 20_000_000  # writes closer together than this may have one mtime
RETRY_S = (0.0, 0.02, 0.05, 0.1)
_HEADER = b"SQLite format 3\0"
_SIDE_FILES = ("-wal", "-shm", "-journal")


class Sqlite(Method):
    names = "*.db, *.sqlite or *.sqlite3"

    def __init__(self, table: str, should_stop: ShouldStop) -> None:
        self.table = "sqlite:" + table
        self._name = table
        self._should_stop = should_stop

    def knows(self, name: str) -> bool:
        return name.endswith((".db", ".sqlite", ".sqlite3"))

    def skips(self, path: str) -> bool:
        return path.endswith(_SIDE_FILES)

    def count(self, found: Found, known: Optional[Entry]) -> Entry:
        """Raises Unreadable, Uncountable, Busy, Stopped."""
        log = _log_mark(found.path)
        if known is not None and known.fingerprint == log and holds(known, found.status):
            return known
        snapshot = _look(found)
        entry = begin(snapshot.status, settled_ns())._replace(fingerprint=log)
        return entry._replace(records=self._rows(found, snapshot, log))

    def _rows(self, found: Found, snapshot: "_Snapshot", log: int) -> int:
        try:
            from workers.agent.data.sqlite_query import Query
        except ImportError:
            raise Uncountable("SQLite, and this node's Python has no sqlite3 module") from None
        query = Query(found.path, self._name, self._should_stop).run
        if snapshot.write_ahead and log:
            return query("mode=ro", LONGEST_S)
        for pause_s in RETRY_S:
            time.sleep(pause_s)
            records = _unlocked(found, query)
            if records is not None:
                return records
        return query("mode=ro", LONGEST_S if snapshot.write_ahead else LOCKED_S)


class _Snapshot(NamedTuple):
    status: os.stat_result
    write_ahead: bool
    mark: Tuple[int, ...]  # equal twice: nobody wrote between
    quiet: bool  # no transaction is going on


def _unlocked(found: Found, query: Callable[[str, float], int]) -> Optional[int]:
    """The count of a database that stood still meanwhile; None where it did not."""
    before = _look(found)
    if not before.quiet:
        return None
    fault: Optional[Unreadable] = None
    records = 0
    try:
        records = query("mode=ro&immutable=1", LONGEST_S)
    except Unreadable as error:
        fault = error
    after = _look(found)
    if not after.quiet or after.mark != before.mark:
        return None
    if fault is not None:
        raise fault
    return records


def _look(found: Found) -> _Snapshot:
    """The header and the side files. Raises Unreadable for what is not a whole database."""
    descriptor, status = open_regular(found)
    try:
        header = os.pread(descriptor, 100, 0)
    except OSError as error:
        raise Unreadable(words(error)) from None
    finally:
        os.close(descriptor)
    if not header:
        raise Unreadable("an empty file, no database")
    if header[:16] != _HEADER or len(header) < 100:
        raise Unreadable("not an SQLite database")
    log, journal = _log_mark(found.path), _in_transaction(found.path)
    if not log and not journal:
        _check_whole(header, status.st_size)
    changes = int.from_bytes(header[24:28], "big")
    return _Snapshot(
        status=status,
        write_ahead=header[19] == 2,
        mark=(status.st_ino, status.st_size, status.st_mtime_ns, changes, log),
        quiet=not journal and not log and time.time_ns() - status.st_mtime_ns > TICK_NS,
    )


def _check_whole(header: bytes, size: int) -> None:
    """A copy made while somebody wrote is shorter than its header says; COUNT(*) need not notice."""
    page = int.from_bytes(header[16:18], "big")
    expected = int.from_bytes(header[28:32], "big") * (65536 if page == 1 else page)
    if header[24:28] == header[92:96] and size < expected:
        raise Unreadable(f"torn: {size} of {expected} bytes are there")


def _log_mark(path: str) -> int:
    """Changes whenever the write-ahead log does; 0 where there is none or it is empty."""
    try:
        status = os.stat(path + "-wal")
    except OSError:
        return 0
    return (status.st_mtime_ns ^ status.st_size << 20) & (2**62 - 1) if status.st_size else 0


def _in_transaction(path: str) -> bool:
    """Whether a rollback journal stands beside it; a finished one is gone, empty or zeroed."""
    try:
        with open(
            os.open(path + "-journal", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb"
        ) as file:
            return file.read(8).strip(b"\0") != b""
    except FileNotFoundError:
        return False
    except OSError:
        return True
