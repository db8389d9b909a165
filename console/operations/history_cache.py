"""Counts and disk usage of earlier lives of the console, so that rates survive a restart.

A cache and nothing more: whatever is wrong with its file, it is made anew or done without, and never the
reason that anything else fails. One thread writes; a second console finds it locked and does without.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from console.fleet.series import Point
from console.fleet.store import FleetStore
from console.operations.bulletin import BulletinBoard

VERSION = 1
BUSY_S = 0.5
MOST_POINTS = 5000  # of one node
CLOSING_S = 1.0

_TABLE = """
create table if not exists points (
    node_key text not null, series text not null, name text not null,
    clock real not null, value real not null, produced real not null,
    primary key (node_key, series, name, clock)
) without rowid
"""
_INSERT = "insert or replace into points values (?, ?, ?, ?, ?, ?)"
_SELECT = (
    "select series, name, clock, value, produced from points where node_key = ? "
    "order by clock desc limit ?"
)


class HistoryCache:
    """The file at `path`, opened at first use in a thread of its own."""

    def __init__(self, path: Path, board: BulletinBoard) -> None:
        self.path = path
        self._board = board
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._database: sqlite3.Connection | None = None
        self._fault = ""  # the last that was said
        self._restored: set[str] = set()
        self._saved: dict[str, float] = {}  # node key: clock of the newest point that is on disk
        self._tasks: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------ in the loop

    def restore(self, node: str, node_key: str, store: FleetStore) -> None:
        """Reads what is known of a machine, once, and gives it to the store when it is there."""
        if node in self._restored:
            return
        self._restored.add(node)
        task = asyncio.ensure_future(self._restore(node, node_key, store))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _restore(self, node: str, node_key: str, store: FleetStore) -> None:
        points, fault = await self._apart(self.read, _key(node, node_key))
        self._complain(fault)
        if points:
            store.import_history(node, points)

    def save(self, store: FleetStore, keep_s: float, clock: float) -> None:
        """Writes the points that are new, and drops those older than `keep_s`. Returns at once."""
        batch: list[tuple[str, Point]] = []
        newest: dict[str, float] = {}
        for name, node in store.nodes.items():
            if node.hello is None or node.same_as is not None:
                continue
            key = _key(name, node.hello.node_key)
            since = self._saved.get(key, 0.0)
            points = [p for p in store.history(name).export_points() if p.clock > since]
            if points:
                newest[key] = max(p.clock for p in points)
                batch.extend((key, point) for point in points)
        task = asyncio.ensure_future(self._save(batch, newest, clock - keep_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _save(
        self, batch: list[tuple[str, Point]], newest: dict[str, float], oldest: float
    ) -> None:
        _, fault = await self._apart(self.write, batch, oldest)
        self._complain(fault)
        if not fault:
            self._saved.update(newest)

    async def close(self) -> None:
        """Lets what is being written end, within a second, and closes the file."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSING_S)
        self._writer.submit(self._close)
        self._writer.shutdown(wait=False)

    async def _apart(self, work: object, *arguments: object) -> tuple[list[Point], str]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, lambda: self._guarded(work, arguments))

    def _complain(self, fault: str) -> None:
        if fault and fault != self._fault:
            self._board.post("warning", f"{self.path}: {fault}; only rates over time need it")
        self._fault = fault

    # ------------------------------------------------------------ in the thread

    def read(self, key: str) -> list[Point]:
        """The newest points under a key, oldest first. Raises sqlite3.Error, OSError."""
        rows = self._open().execute(_SELECT, (key, MOST_POINTS)).fetchall()
        return [
            Point(str(s), str(n), float(c), float(v), float(p)) for s, n, c, v, p in reversed(rows)
        ]

    def write(self, batch: Iterable[tuple[str, Point]], oldest: float) -> list[Point]:
        """Adds points and drops those before `oldest` (wall clock). Raises sqlite3.Error, OSError."""
        with self._open() as database:
            database.executemany(_INSERT, [(key, *point) for key, point in batch])
            database.execute("delete from points where clock < ?", (oldest,))
        return []

    def _guarded(self, work: object, arguments: tuple[object, ...]) -> tuple[list[Point], str]:
        """The result and what was wrong. A file that cannot be understood is made anew."""
        assert callable(work)
        try:
            return work(*arguments), ""
        except sqlite3.OperationalError as error:
            if _is_shape(error):
                return self._rebuild(error, work, arguments)
            return self._failed(error)
        except (sqlite3.DatabaseError, ValueError, TypeError, OverflowError) as error:
            return self._rebuild(error, work, arguments)
        except OSError as error:
            return self._failed(error)

    def _rebuild(
        self, cause: Exception, work: object, arguments: tuple[object, ...]
    ) -> tuple[list[Point], str]:
        assert callable(work)
        self._close()
        try:
            for suffix in ("", "-journal", "-wal", "-shm"):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)
            return work(*arguments), f"was damaged ({cause}) and is made anew"
        except (sqlite3.Error, OSError) as error:
            return self._failed(error)

    def _failed(self, error: Exception) -> tuple[list[Point], str]:
        """Done without for now: the next save tries again."""
        self._close()
        if "locked" in str(error):
            return [], "in use by another program"
        return [], f"cannot be used ({error})"

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(
                os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            )
            os.chmod(self.path, 0o600)  # whatever the umask was
            self._database = self._connect()
        return self._database

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=BUSY_S, check_same_thread=False)
        try:
            found = database.execute("pragma user_version").fetchone()[0]
            if found not in (0, VERSION):
                raise sqlite3.DatabaseError(f"version {found}, wanted {VERSION}")
            with database:
                database.execute(_TABLE)
                database.execute(f"pragma user_version = {VERSION}")
            return database
        except sqlite3.Error:
            database.close()
            raise

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


def _is_shape(error: sqlite3.OperationalError) -> bool:
    """True where the file is a database, but not one of ours."""
    return any(
        words in str(error) for words in ("no such", "has no column", "values were supplied")
    )


def _key(node: str, node_key: str) -> str:
    """A machine says its key itself: with our name for it, none can write into another's history."""
    return f"{node}@{node_key}"
