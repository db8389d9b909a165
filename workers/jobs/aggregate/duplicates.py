"""Which records of a generation are not taken: those that came before, here or in an earlier generation.

DuckDB sorts and joins the keys, and spills to the disk what does not fit into the memory it is given.
"""

import errno
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, NamedTuple

from workers.harness.errors import CorruptData, WorkerError
from workers.jobs.aggregate.survey import Surveyed

REJECTED, DUPLICATE = 2, 1
_CHECK_S = 0.2


class Resources(NamedTuple):
    """What DuckDB may use; ``spill`` is a folder on the store's disk."""

    memory_bytes: int
    threads: int
    spill: Path


def find(
    keys: Path, found: Sequence[Surveyed], earlier: Sequence[Path], into: Path, use: Resources,
    check: Callable[[], None],
) -> None:  # fmt: skip
    """Writes the places of what is not taken to ``into``: ``place``, ``why`` (REJECTED or DUPLICATE), sorted.

    ``earlier`` are the parts of the generations before. Raises OSError where the disk is full, CorruptData
    for a part that cannot be read, WorkerError for too little memory, and what ``check`` raises to end it.
    """
    connection = connect(use)
    try:
        connection.execute(_view(keys, found))
        _execute(connection, _copy(_known(earlier) if earlier else "", into), check)
    except connection_errors() as error:
        raise translated(error, use, "the store cannot be compared with") from None
    finally:
        connection.close()


def _execute(connection: Any, query: str, check: Callable[[], None]) -> None:
    """In a thread of its own: a signal's handler waits as long as this one is inside of DuckDB."""
    with ThreadPoolExecutor(1, "duckdb") as pool:
        running = pool.submit(connection.execute, query)
        try:
            while not wait([running], _CHECK_S).done:
                check()
        except BaseException:
            connection.interrupt()
            raise
        running.result()


def _view(keys: Path, found: Sequence[Surveyed]) -> str:
    return f"""
    CREATE VIEW records AS SELECT file_row_number AS place, hi, lo, fits
    FROM read_parquet({_text(keys)}, file_row_number = true) WHERE {_taken(found)}
    """  # noqa: S608 (quoted)


def _copy(known: str, into: Path) -> str:
    return f"""
    COPY (SELECT place, max(why)::TINYINT AS why FROM ({_WITHIN} {known}) GROUP BY place ORDER BY place)
    TO {_text(into)} (FORMAT parquet)
    """  # noqa: S608 (quoted)


_WITHIN = f"""
SELECT place, {REJECTED} AS why FROM records WHERE NOT fits
UNION ALL
SELECT place, {DUPLICATE} AS why
FROM (SELECT place, row_number() OVER (PARTITION BY hi, lo ORDER BY place) AS turn FROM records WHERE fits)
WHERE turn > 1
"""  # noqa: S608 (numbers)


def _known(earlier: Sequence[Path]) -> str:
    files = ", ".join(map(_text, earlier))
    return f"""
    UNION ALL
    SELECT place, {DUPLICATE} AS why
    FROM (SELECT place, format('{{:016x}}{{:016x}}', hi, lo) AS id FROM records WHERE fits) AS fresh
    SEMI JOIN read_parquet([{files}]) AS old ON old.id = fresh.id
    """  # noqa: S608 (quoted)


def _taken(found: Sequence[Surveyed]) -> str:
    """SQL: whether a place is not of a source that was refused."""
    ranges: list[list[int]] = []
    for each in found:
        if each.refused and each.records:
            if ranges and ranges[-1][1] == each.first:
                ranges[-1][1] += each.records
            else:
                ranges.append([each.first, each.first + each.records])
    words = (f"NOT (file_row_number >= {a} AND file_row_number < {b})" for a, b in ranges)
    return " AND ".join(words) or "true"


def connect(use: Resources) -> Any:
    """A database in memory."""
    import duckdb

    return duckdb.connect(
        config={
            "memory_limit": f"{use.memory_bytes >> 10}KiB",
            "threads": use.threads,
            "temp_directory": str(use.spill),
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )


def connection_errors() -> Any:
    import duckdb

    return duckdb.Error


def translated(error: Exception, use: Resources, what: str) -> Exception:
    """An error of DuckDB as one of ours; it tells a full disk in words only."""
    import duckdb

    text = str(error)
    if "No space left" in text or "max_temp_directory_size" in text:
        return OSError(errno.ENOSPC, "No space left on device", str(use.spill))
    if isinstance(error, duckdb.OutOfMemoryException):
        return WorkerError(
            f"{use.memory_bytes >> 20} MiB are too little to merge records; give the job more (memory)"
        )
    return CorruptData(f"{what}: {text[:300]}")


class Skips:
    """What ``find`` wrote, asked for in the order of the places."""

    def __init__(self, path: Path) -> None:
        self._rows = _rows(path)
        self._next = next(self._rows, None)

    def between(self, first: int, end: int) -> list[tuple[int, int]]:
        """(place, why) from ``first`` up to ``end``; what lies before was never asked for."""
        found = []
        while self._next is not None and self._next[0] < end:
            if self._next[0] >= first:
                found.append(self._next)
            self._next = next(self._rows, None)
        return found


def _rows(path: Path) -> Iterator[tuple[int, int]]:
    from pyarrow.parquet import ParquetFile

    for batch in ParquetFile(path).iter_batches(64 * 1024):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _text(value: object) -> str:
    """A text of SQL."""
    return "'" + str(value).replace("'", "''") + "'"
