"""Rows of databases and Parquet files as canonical JSON: members sorted by name, no spaces, UTF-8."""

import base64
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from workers.harness.errors import CorruptData
from workers.jobs.aggregate.chunks import Chunk, of_rows

_ROWS = 2048
_DEFAULT_TABLE = "games"


def canonical(row: Mapping[str, Any]) -> bytes:
    """The same bytes for equal rows. Bytes become ``{"base64": …}``, what JSON cannot say becomes text."""
    return json.dumps(
        row, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_said
    ).encode("utf-8", "backslashreplace")


def sqlite_rows(file: int, table: str) -> Iterator[Chunk]:
    """Of a database that nobody writes to. Raises CorruptData, also where it has no such table."""
    try:
        connection = sqlite3.connect(_uri(file), uri=True, isolation_level=None)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            yield from _sqlite_chunks(connection, table or _DEFAULT_TABLE)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise CorruptData(f"SQLite: {error}") from None


def parquet_rows(file: int) -> Iterator[Chunk]:
    """Raises CorruptData."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    first = 0
    with os.fdopen(os.dup(file), "rb") as opened:
        opened.seek(0)
        try:
            for batch in ParquetFile(opened).iter_batches(_ROWS):
                lines = [canonical(row) for row in batch.to_pylist()]
                yield of_rows(lines, first)
                first += len(lines)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise CorruptData(f"Parquet: {str(error)[:200]}") from None


def _uri(file: int) -> str:
    # immutable: a copy is never written to, and a database in WAL mode would want to write beside it
    return f"file:/dev/fd/{file}?mode=ro&immutable=1"


def _sqlite_chunks(connection: sqlite3.Connection, table: str) -> Iterator[Chunk]:
    connection.text_factory = lambda data: data.decode("utf-8", "backslashreplace")
    cursor = connection.execute(f'SELECT * FROM "{table.replace(chr(34), chr(34) * 2)}"')  # noqa: S608 (quoted)
    names = [column[0] for column in cursor.description]
    first = 0
    while rows := cursor.fetchmany(_ROWS):
        lines = [canonical(dict(zip(names, row, strict=True))) for row in rows]
        yield of_rows(lines, first)
        first += len(lines)


def _said(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"base64": base64.b64encode(bytes(value)).decode("ascii")}
    return str(value)
