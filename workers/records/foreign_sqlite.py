"""Rows of a games database, read-only, a few at a time: a writer never waits for more than one short query.

The table is ``games(game_id, board_type, num_players, winner, total_moves, …)``.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from workers.records.shard import CorruptShard

_ROWS = 256  # of one query
_WAIT_S = 5.0
_NEEDED = "game_id"


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Each game as its columns, in the order of the table. A row that comes or goes meanwhile may be missed.

    Raises CorruptShard for what is no whole database, or has no such table.
    """
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_WAIT_S, isolation_level=None
        )
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.row_factory = sqlite3.Row
            yield from _batches(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise CorruptShard(path, f"SQLite: {error}") from None
    except LookupError as error:
        raise CorruptShard(path, f"its table games has no column {error}") from None


def _batches(connection: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    last = -(2**63)
    while True:
        query = "SELECT rowid AS qd_row, * FROM games WHERE rowid > ? ORDER BY rowid LIMIT ?"
        found = connection.execute(query, (last, _ROWS)).fetchall()
        for row in found:
            body = dict(row)
            last = body.pop("qd_row")
            if _NEEDED not in body:
                raise LookupError(_NEEDED)
            yield body
        if len(found) < _ROWS:
            return
