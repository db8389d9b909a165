"""Consistent copies of databases that are being written to."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.errands.conftest import HERE
from tests.errands.fields import Field, hash_of
from workers.errands import snapshots
from workers.errands.client import Errand
from workers.errands.faults import ErrandFailed
from workers.errands.shapes import Dataset

DATABASE = Dataset("db", ("data/*.db",), "sqlite:games")


def make(field: Field, mode: str, rows: int = 2000) -> Path:
    path = field.root / "data/g.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode = {mode}")
    connection.execute("CREATE TABLE games (pair INTEGER, half INTEGER, body BLOB)")
    for number in range(rows):
        connection.executemany(
            "INSERT INTO games VALUES (?, ?, ?)", [(number, half, b"x" * 400) for half in (0, 1)]
        )
    connection.commit()
    connection.close()
    return path


@contextmanager
def writer(path: Path, pause_s: float) -> Iterator[list[int]]:
    """Writes pairs, each in one transaction, as a worker would; gives how many it wrote."""
    ended, wrote = threading.Event(), [0]

    def write() -> None:
        connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        while not ended.is_set():
            connection.execute("BEGIN IMMEDIATE")
            for half in (0, 1):
                row = (10_000 + wrote[0], half, b"y" * 400)
                connection.execute("INSERT INTO games VALUES (?, ?, ?)", row)
            connection.execute("COMMIT")
            wrote[0] += 1
            time.sleep(pause_s)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield wrote
    finally:
        ended.set()
        thread.join()


def is_consistent(path: str) -> int:
    """The rows of a copy that is a whole database of whole pairs."""
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    odd = connection.execute(
        "SELECT COUNT(*) FROM (SELECT pair FROM games GROUP BY pair HAVING COUNT(*) != 2)"
    ).fetchone()
    assert odd == (0,)
    (count,) = connection.execute("SELECT COUNT(*) FROM games").fetchone()
    connection.close()
    return int(count)


@pytest.mark.parametrize(("mode", "pause_s"), [("WAL", 0.0), ("DELETE", 0.05)])
def test_a_live_database(field: Field, mode: str, pause_s: float) -> None:
    path = make(field, mode)
    with writer(path, pause_s) as wrote:
        while wrote[0] < 3:
            time.sleep(0.01)
        copy = field.errand.snapshot_sqlite(str(field.root), "data/g.db", "r1", "games")
        after = wrote[0]
        while wrote[0] <= after:  # the writer goes on
            time.sleep(0.01)
    assert is_consistent(copy.path) == copy.records
    assert (copy.records or 0) >= 4006
    assert (
        copy.mtime_ns == -1
    )  # it was written to: what was copied proves nothing of what is there now
    data = Path(copy.path).read_bytes()
    assert (copy.bytes, copy.hash) == (len(data), hash_of(data))
    field.errand.drop_snapshot(copy)
    assert sorted(os.listdir(path.parent)) == ["g.db"]


def test_a_quiet_database_is_proven_by_its_snapshot(field: Field) -> None:
    path = make(field, "WAL", rows=5)
    when = time.time_ns() - 100 * 10**9
    os.utime(path, ns=(when, when))
    (file,) = field.errand.list(str(field.root), [DATABASE]).files["db"]
    copy = field.errand.snapshot_sqlite(str(field.root), file.path, "r1", "games")
    assert (copy.size, copy.mtime_ns) == (file.size, file.mtime_ns)
    assert copy.records == file.records == 10
    assert (
        len(field.errand.list(str(field.root), [DATABASE]).files["db"]) == 1
    )  # the copy is no data


def test_what_lies_in_the_log_only_is_in_the_copy(field: Field) -> None:
    path = make(field, "WAL", rows=5)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("INSERT INTO games VALUES (99, 0, x''), (99, 1, x'')")
    copy = field.errand.snapshot_sqlite(str(field.root), "data/g.db", "r1", "games")
    assert is_consistent(copy.path) == 12
    connection.close()


def test_snapshots_go_with_the_errand_and_with_the_next_try(field: Field) -> None:
    path = make(field, "DELETE", rows=5)
    left = path.parent / ".g.db.r1.quarterdeck.tmp"
    left.write_bytes(b"of a killed one")
    with Errand.open(HERE, "here") as errand:
        errand.snapshot_sqlite(str(field.root), "data/g.db", "r1")
        assert len(os.listdir(path.parent)) == 2
    assert os.listdir(path.parent) == ["g.db"]


def test_what_is_no_database_or_no_file(field: Field) -> None:
    field.write("g.db", b"no database, though it is called one" * 100)
    os.symlink("g.db", field.root / "data/l.db")
    for path, code in (
        ("data/g.db", "corrupt"), ("data/l.db", "unsafe_name"), ("data/none.db", "gone"),
        ("../x", "unsafe_name"),
    ):  # fmt: skip
        with pytest.raises(ErrandFailed) as caught:
            field.errand.snapshot_sqlite(str(field.root), path, "r1")
        assert caught.value.code == code, caught.value.text
    with pytest.raises(ErrandFailed, match="the run"):
        field.errand.snapshot_sqlite(str(field.root), "data/g.db", "../r")


def test_a_writer_that_leaves_no_gap_is_said(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    from workers.errands.work import Voice, Work

    path = make(field, "DELETE", rows=4000)
    monkeypatch.setattr(snapshots, "GIVE_UP_S", 0.0)
    work = Work(Voice(os.open(os.devnull, os.O_WRONLY)), 1)
    asked = {"root": str(field.root), "path": str(path.relative_to(field.root)), "run": "r1"}
    with pytest.raises(ErrandFailed, match="WAL mode"):
        snapshots.Snapshots().make(asked, work)
    work.end()
