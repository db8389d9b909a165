"""The columns of the store: who the record is, where it came from, what can be said of any game, and the line.

DuckDB reads the members out of the JSON. What a line does not say, or says in another type, is null.
"""

import json
import threading
from typing import Any

from workers.jobs.aggregate.duplicates import Resources, connect, connection_errors, translated

GAME, OTHER, ROW = "shard/1", "json", "row"
"""``format``: a game of ours, a line of another program, a row of a table."""

_MEMBERS = {
    "game": "VARCHAR",
    "board": "VARCHAR",
    "board_type": "VARCHAR",
    "players": "INTEGER",
    "num_players": "INTEGER",
    "rules": "VARCHAR",
    "seed": "UBIGINT",
    "moves": ["INTEGER"],
    "scores": ["INTEGER"],
    "winner": "INTEGER",
    "winners": ["INTEGER"],
    "termination": "VARCHAR",
    "plies": "INTEGER",
    "total_moves": "INTEGER",
    "network": "VARCHAR",
    "search": "VARCHAR",
    "worker": "VARCHAR",
    "worker_id": "VARCHAR",
    "run": "VARCHAR",
    "run_id": "VARCHAR",
    "start": "DOUBLE",
    "duration_s": "DOUBLE",
}
_QUERY = f"""
SELECT coalesce(t.worker, t.worker_id) AS worker, coalesce(t.run, t.run_id) AS run,
    t.game AS game, coalesce(t.board, t.board_type) AS board, coalesce(t.players, t.num_players) AS players,
    t.rules AS rules, t.seed AS seed, t.moves AS moves, t.scores AS scores, t.winner AS winner,
    t.winners AS winners, t.termination AS termination, coalesce(t.plies, t.total_moves) AS plies,
    t.network AS network, t.search AS search, t.start AS start, t.duration_s AS duration_s,
    t IS NOT NULL AND starts_with(line, '{{') AND (format <> '{GAME}' OR
        (t.game IS NOT NULL AND t.board IS NOT NULL AND t.players IS NOT NULL AND t.moves IS NOT NULL)) AS sound
FROM (SELECT *, TRY(json_transform(line, '{json.dumps(_MEMBERS)}')) AS t FROM batch)
"""  # noqa: S608 (no value of anybody's)


class Reader:
    """Reads the members of batches; each thread has a database of its own."""

    def __init__(self, use: Resources) -> None:
        self._use = use._replace(threads=1)
        self._local = threading.local()

    def __call__(self, batch: Any) -> Any:
        """Of a table with ``format`` and ``line`` the columns of the game, in the same order.

        ``sound`` is false where the line must be looked at by ``identity.fault``.
        """
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._use)
            connection.execute("SET preserve_insertion_order = true")
        connection.register("batch", batch)
        try:
            return connection.sql(_QUERY).to_arrow_table()
        except connection_errors() as error:
            raise translated(error, self._use, "the records cannot be read") from None
        finally:
            connection.unregister("batch")
