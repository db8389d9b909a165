"""One COUNT(*) over a read-only connection, with an end."""

import os
import sqlite3
import threading
import time

from workers.agent.data.outcome import Busy, ShouldStop, Stopped, Unreadable

_POLL_S = 0.02
_WAIT_S = 0.25  # for a writer to let us in; nothing is held meanwhile


class Query:
    """How many rows a table of a database has. Connects anew each time."""

    def __init__(self, path: str, table: str, should_stop: ShouldStop) -> None:
        self._path = path
        self._table = table
        self._should_stop = should_stop

    def run(self, options: str, limit_s: float) -> int:
        """Raises Busy (locked, or not done ``limit_s`` after it was let in), Stopped, Unreadable."""
        try:
            connection = sqlite3.connect(
                uri_of(self._path, options),
                uri=True,
                timeout=_WAIT_S,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                connection.execute("PRAGMA trusted_schema = OFF")
                connection.execute("BEGIN")
                connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
                return self._count(connection, limit_s)
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise self._translated(error, limit_s) from None

    def _count(self, connection: sqlite3.Connection, limit_s: float) -> int:
        """The transaction has the shared lock now; it ends with the connection."""
        done = threading.Event()
        deadline = time.monotonic() + limit_s
        guard = threading.Thread(target=self._guard, args=(connection, deadline, done))
        guard.start()
        try:
            quoted = self._table.replace('"', '""')
            row = connection.execute(f'SELECT COUNT(*) FROM "{quoted}"').fetchone()  # noqa: S608
        finally:
            done.set()
            guard.join()
        return int(row[0])

    def _guard(
        self, connection: sqlite3.Connection, deadline: float, done: threading.Event
    ) -> None:
        """Interrupts until the query ended: COUNT(*) is one instruction, no progress handler runs."""
        while not done.wait(min(_POLL_S, max(0.001, deadline - time.monotonic()))):
            if time.monotonic() >= deadline or self._should_stop():
                connection.interrupt()

    def _translated(self, error: sqlite3.Error, limit_s: float) -> Exception:
        text = str(error)
        if "interrupted" in text:
            if self._should_stop():
                return Stopped()
            return Busy(f"being written to, and counting takes more than {limit_s:g} s")
        if "locked" in text or "busy" in text:
            return Busy("locked by a writer")
        if "readonly" in text:
            return Unreadable("a writer died within a transaction; the next writer repairs it")
        return Unreadable(text)


def uri_of(path: str, options: str) -> str:
    """``file:`` and the path's bytes, each odd one escaped."""
    plain = b"/._-+,=@abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    name = "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in os.fsencode(path))
    return f"file:{name}?{options}"
