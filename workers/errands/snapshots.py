"""Consistent copies of live SQLite databases, through SQLite's own backup.

In WAL mode the copy is one read transaction, which keeps no writer waiting. With a rollback journal it is
made a few pages at a time and begins again after each write; where writes leave no gap it gives up.

https://www.sqlite.org/backup.html
"""

import os
import time
from typing import Any, Dict, List, Optional, Tuple

from workers.agent.data.entry import SETTLED_NS
from workers.agent.data.listed_file import database_mark
from workers.agent.data.sqlite_query import uri_of
from workers.errands.below import folder_of, open_file, real_root
from workers.errands.faults import ErrandFailed
from workers.errands.hashing import digest
from workers.errands.shapes import snapshot_name
from workers.errands.work import Work
from workers.ledger.names import UnsafeName, check_name

GIVE_UP_S = 300.0  # of a database with a rollback journal that is written to again and again
_STEP_PAGES = 200  # 1 ms of a writer's time
_PAUSE_S = 0.005
_WAL_PAGES = 2000
_SIDES = ("", "-journal", "-wal", "-shm")

Row = Tuple[str, int, str, Optional[int], int, int]


class Snapshots:
    """The copies this program made and has not dropped yet."""

    def __init__(self) -> None:
        self._made: List[str] = []

    def make(self, asked: Dict[str, Any], work: Work) -> Row:
        """As ``shapes.Snapshot``. Raises ErrandFailed, OSError."""
        try:
            run = check_name(asked["run"], "the run")
        except UnsafeName as error:
            raise ErrandFailed("unsafe_name", str(error)) from None
        root = real_root(asked["root"])
        with folder_of(root, asked["path"]) as (folder, name):
            file, _ = open_file(folder, name)
            os.close(file)
        source = os.path.join(root, asked["path"])
        copy = os.path.join(os.path.dirname(source), snapshot_name(name, run))
        _remove(copy)  # of this run's last attempt
        self._made.append(copy)
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        before, begun_ns = _mark(source), time.time_ns()
        records = _Copy(source, copy, asked.get("table", ""), work).run()
        still = _mark(source) == before and abs(begun_ns - before[1]) > SETTLED_NS
        size, hash_ = _sealed(copy, work)
        return copy, size, hash_, records, before[0], before[1] if still else -1

    def drop(self, path: str) -> None:
        """Only one of our own."""
        if path in self._made:
            self._made.remove(path)
            _remove(path)

    def drop_all(self) -> None:
        for path in list(self._made):
            self.drop(path)


class _Copy:
    def __init__(self, source: str, copy: str, table: str, work: Work) -> None:
        self._source = source
        self._copy = copy
        self._table = table
        self._work = work
        self._deadline = time.monotonic() + GIVE_UP_S

    def run(self) -> Optional[int]:
        """The rows of the table in the copy; None where none was named. Raises ErrandFailed."""
        try:
            import sqlite3
        except ImportError:
            text = "this node's Python has no sqlite3 module"
            raise ErrandFailed("failed", text) from None
        try:
            source = sqlite3.connect(
                uri_of(self._source, "mode=ro"), uri=True, timeout=5.0, isolation_level=None
            )
            try:
                copy = sqlite3.connect(self._copy, isolation_level=None)
                try:
                    return self._run(source, copy)
                finally:
                    copy.close()
            finally:
                source.close()
        except sqlite3.Error as error:
            raise _translated(str(error)) from None

    def _run(self, source: Any, copy: Any) -> Optional[int]:
        source.execute("PRAGMA trusted_schema = OFF")
        write_ahead = source.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        if write_ahead:
            source.execute("BEGIN")
            source.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        pages, pause_s = (_WAL_PAGES, 0.0) if write_ahead else (_STEP_PAGES, _PAUSE_S)
        source.backup(copy, pages=pages, progress=self._step, sleep=pause_s)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, whatever the source is
        if not self._table:
            return None
        quoted = self._table.replace('"', '""')
        return int(copy.execute(f'SELECT COUNT(*) FROM "{quoted}"').fetchone()[0])  # noqa: S608

    def _step(self, _: int, remaining: int, total: int) -> None:
        self._work.tick()
        self._work.done_bytes, self._work.total_bytes = (total - remaining) * 4096, total * 4096
        if time.monotonic() > self._deadline:
            text = "it is written to all the time; WAL mode lets it be copied meanwhile"
            raise ErrandFailed("busy", text)


def _translated(text: str) -> ErrandFailed:
    if "full" in text:
        return ErrandFailed("no_space", f"no room for its snapshot: {text}")
    if "locked" in text or "busy" in text:
        return ErrandFailed("busy", f"a writer holds it: {text}")
    return ErrandFailed("corrupt", text)


def _mark(path: str) -> Tuple[int, int]:
    return database_mark(path, os.stat(path, follow_symlinks=False))


def _sealed(path: str, work: Work) -> Tuple[int, str]:
    """(size, hash) of the copy, which is on the disk now."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(file)
        size = os.fstat(file).st_size
        return size, digest(file, size, work)
    finally:
        os.close(file)


def _remove(path: str) -> None:
    for side in _SIDES:
        try:
            os.unlink(path + side)
        except OSError:
            pass
