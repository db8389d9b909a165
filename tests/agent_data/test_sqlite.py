"""Rows of SQLite databases that are alive, torn, locked or something else."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.agent_data.counting import Data

METHOD = "sqlite:games"


def database(
    data: Data, name: str, rows: int, journal: str = "delete", table: str = "games"
) -> Path:
    path = data.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode={journal}")
    table = table.replace('"', '""')
    connection.execute(f'CREATE TABLE "{table}" (game_id INTEGER PRIMARY KEY, moves TEXT)')
    connection.executemany(f'INSERT INTO "{table}" (moves) VALUES (?)', [("x" * 50,)] * rows)
    connection.commit()
    connection.close()
    return path


@contextmanager
def writer(path: Path, pause_s: float) -> Iterator[subprocess.Popen[str]]:
    """A process that commits one row after the other until its standard input closes."""
    child = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path), str(pause_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "writing\n"
        yield child
    finally:
        child.kill()
        child.communicate()


_WRITER = """
import select, sqlite3, sys, time
path, pause_s = sys.argv[1], float(sys.argv[2])
connection = sqlite3.connect(path)
written, locked = 0, 0
print("writing", flush=True)
while not select.select([sys.stdin], [], [], pause_s)[0]:
    try:
        with connection:
            connection.execute("INSERT INTO games (moves) VALUES ('x')")
        written += 1
    except sqlite3.OperationalError:
        locked += 1
print(written, locked, flush=True)
"""


def ended(child: subprocess.Popen[str]) -> tuple[int, int]:
    """Rows written, and how often the writer was told that the database is locked."""
    written, locked = child.communicate("\n", timeout=30)[0].split()
    return int(written), int(locked)


@pytest.mark.parametrize("journal", ["delete", "truncate", "persist", "memory", "wal"])
def test_a_database_at_rest(data: Data, journal: str) -> None:
    database(data, "d/a.db", 321, journal)
    before = sorted(os.listdir(data.root / "d"))
    assert data.count("d/*.db", method=METHOD).records == 321
    assert sorted(os.listdir(data.root / "d")) == before


def test_a_directory_of_databases_and_side_files(data: Data) -> None:
    path = database(data, "d/a.db", 10)
    database(data, "d/deep/b.sqlite", 5)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=wal")
    connection.execute("INSERT INTO games (moves) VALUES ('y')")
    connection.commit()
    try:
        assert data.count("d/", method=METHOD).records == 16
        assert data.count("d/*", method=METHOD).files == 1
    finally:
        connection.close()


@pytest.mark.parametrize("journal", ["delete", "truncate", "persist"])
@pytest.mark.parametrize("pause_s", [0.0, 0.05])
def test_a_writer_is_never_locked_out(data: Data, journal: str, pause_s: float) -> None:
    path = database(data, "d/a.db", 20_000, journal)
    deadline = time.monotonic() + 20
    with writer(path, pause_s) as child:
        seen = [20_000]
        while len(set(seen)) < 4 and time.monotonic() < deadline:
            count = data.count("d/*.db", method=METHOD)
            if count.records is None:
                assert "d/a.db: " in (count.reason or "")
            else:
                seen.append(count.records)
        written, locked = ended(child)
    assert (locked, seen) == (0, sorted(seen))
    assert seen[-1] <= 20_000 + written
    assert len(set(seen)) == 4
    assert data.count("d/*.db", method=METHOD).records == 20_000 + written


def test_a_writer_of_a_write_ahead_log_is_read_while_it_writes(data: Data) -> None:
    path = database(data, "d/a.db", 100, "wal")
    with writer(path, 0.001) as child:
        seen = []
        while len(seen) < 20 or seen[-1] == seen[0]:
            count = data.count("d/*.db", method=METHOD)
            assert count.records is not None
            seen.append(count.records)
        written, locked = ended(child)
    assert locked == 0
    assert seen == sorted(seen)
    assert data.count("d/*.db", method=METHOD).records == 100 + written


def test_while_somebody_holds_it_exclusively_the_last_count_stands(data: Data) -> None:
    path = database(data, "d/a.db", 100)
    assert data.count("d/*.db", method=METHOD).records == 100
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        count = data.count("d/*.db", method=METHOD)
        assert count.records == 100
        assert count.faults == ("d/a.db: locked by a writer; its last count stands",)
        fresh = Data(data.root).count("d/*.db", method=METHOD)
        assert (fresh.records, fresh.reason) == (None, "d/a.db: locked by a writer")
        holder.communicate("\n", timeout=30)
    finally:
        holder.kill()
        holder.communicate()
    count = data.count("d/*.db", method=METHOD)
    assert (count.records, count.faults) == (101, ())


_HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size=1")
connection.execute("BEGIN EXCLUSIVE")
connection.execute("INSERT INTO games (moves) VALUES ('x')")
connection.executemany("INSERT INTO games (game_id, moves) VALUES (?, ?)", [(i, "y" * 3000) for i in range(1000, 1200)])
connection.execute("DELETE FROM games WHERE game_id >= 1000")
print("held", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
"""


def test_torn_corrupt_and_foreign_files_are_named(data: Data) -> None:
    good = database(data, "d/good.db", 5_000).read_bytes()
    data.write("d/torn.db", good[: len(good) // 2])
    data.write("d/noise.db", os.urandom(5_000))
    data.write("d/empty.db", b"")
    data.write("d/corrupt.db", good[:4096] + bytes(len(good) - 4096))
    database(data, "d/other.db", 1, table="players")
    count = data.count("d/*.db", method=METHOD)
    assert (count.records, count.unreadable_files) == (5_000, 5)
    told = "\n".join(count.faults)
    assert f"d/torn.db: torn: {len(good) // 2} of {len(good)} bytes are there" in told
    assert "d/noise.db: not an SQLite database" in told
    assert "d/empty.db: an empty file, no database" in told
    assert "d/corrupt.db: " in told
    assert "d/other.db: no such table: games" in told


def test_an_unchanged_database_is_not_opened_again(data: Data) -> None:
    path = database(data, "d/a.db", 10)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    data.count("d/*.db", method=METHOD)
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM games")
    connection.commit()
    connection.close()
    assert data.count("d/*.db", method=METHOD).records == 0


@pytest.mark.parametrize("table", ['we"ird', "select", "a b; DROP TABLE x", "päron"])
def test_any_table_name_is_a_name_and_nothing_else(data: Data, table: str) -> None:
    database(data, "d/a.db", 7, table=table)
    assert data.count("d/*.db", method="sqlite:" + table).records == 7


def test_a_name_with_every_odd_character(data: Data) -> None:
    path = database(data, "d/plain.db", 4)
    os.rename(path, os.fsencode(data.root) + b"/d/a?mode=rwc#%41 \xff\n.db")
    assert data.count("d/*.db", method=METHOD).records == 4


@pytest.mark.parametrize("method", ["sqlite", "sqlite:", "sqlite:" + "x" * 200])
def test_a_method_without_a_table(data: Data, method: str) -> None:
    count = data.count("d/*.db", method=method)
    assert count.records is None
    assert "write sqlite:TABLE" in (count.reason or "")


def test_a_table_that_never_ends_can_be_stopped(data: Data) -> None:
    path = database(data, "d/a.db", 1)
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    )
    connection.commit()
    connection.close()
    asked = iter([False] * 12)
    count = data.count("d/*.db", method="sqlite:endless", stop=lambda: next(asked, True))
    assert (count.records, count.reason) == (None, "counting…")
