"""Other programs' games are told by what they are, whatever they are called; a torn file is said to be one."""

from __future__ import annotations

import gzip
import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from tests.records.games import BOARD, PLAYERS, game
from workers.harness.errors import CorruptData
from workers.records import ForeignRecord, GameRecord, Journal, encode_line, read_any
from workers.records.zstd import compressed

LINES = b"".join(
    json.dumps({"board_type": "hex8", "num_players": 3, "winner": number % 3, "total_moves": 40, "x": number}).encode() + b"\n"
    for number in range(5)
)  # fmt: skip


def make_database(path: Path, games: int = 600) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE games (game_id TEXT PRIMARY KEY, board_type TEXT, num_players INT, winner INT, total_moves INT, note TEXT)"
    )
    connection.executemany(
        "INSERT INTO games VALUES (?, 'square8', 2, ?, 60, 'ü')",
        [(f"g{number:04}", number % 2) for number in range(games)],
    )
    connection.commit()
    return connection


@pytest.mark.parametrize("name", ["games.jsonl", "games.jsonl.gz", "games.txt"])
def test_lines_plain_and_folded_whatever_the_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    members = gzip.compress(LINES[:200]) + gzip.compress(LINES[200:])
    for data in (LINES, gzip.compress(LINES), members, b"".join(compressed([LINES]))):
        path.write_bytes(data)
        found = list(read_any(path))
        assert [record.body["x"] for record in found if isinstance(record, ForeignRecord)] == list(range(5))  # fmt: skip
        assert found[1][1:5] == ("hex8", 3, 1, 40)
        line = LINES.splitlines()[1]
        assert found[1].id == hashlib.blake2b(line, digest_size=16).hexdigest()


def test_our_own_lines_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "games.jsonl"
    path.write_bytes(encode_line(game(1)) + LINES + encode_line(game(2)))
    kinds = [type(record) for record in read_any(path)]
    assert kinds == [GameRecord, *[ForeignRecord] * 5, GameRecord]
    path.write_bytes(encode_line(game(1)).replace(b'"seed":1', b'"seed":2'))
    with pytest.raises(CorruptData, match="line 1: the checksum"):
        list(read_any(path))


def test_a_shard_is_a_shard(tmp_path: Path) -> None:
    journal = Journal(tmp_path, BOARD, PLAYERS, "w")
    journal.append(game(1, "w"))
    journal.close()
    assert list(read_any(journal.shards[0])) == [game(1, "w")]


@pytest.mark.parametrize("data", [b"not json\n", b"[1]\n", b"\xff\xfe\n", b"{" * 5000])
def test_what_is_no_game_is_said(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "games.jsonl"
    path.write_bytes(LINES + data)
    with pytest.raises(CorruptData, match=r"games\.jsonl: line 6"):
        list(read_any(path))


@pytest.mark.parametrize("size", [-1, -9, 30])
def test_torn_gzip_is_said(tmp_path: Path, size: int) -> None:
    path = tmp_path / "games.jsonl"
    path.write_bytes(gzip.compress(LINES)[:size])
    with pytest.raises(CorruptData, match="gzip"):
        list(read_any(path))


def test_a_database(tmp_path: Path) -> None:
    path = tmp_path / "selfplay #1?.jsonl"
    make_database(path).close()
    found = list(read_any(path))
    assert [record.id for record in found] == [f"g{number:04}" for number in range(600)]
    assert found[3][1:5] == ("square8", 2, 1, 60)
    assert found[3].body["note"] == "ü"  # type: ignore[union-attr]


def test_a_database_that_lives(tmp_path: Path) -> None:
    path = tmp_path / "games.db"
    connection = make_database(path)
    connection.execute("PRAGMA journal_mode=WAL")
    with connection:
        connection.execute("INSERT INTO games VALUES ('new', 'hex8', 4, 3, 61, '')")
    reader = read_any(path)
    next(reader)
    with connection:  # nobody waits for the reader
        connection.execute("UPDATE games SET note = 'x'")
    assert sum(1 for _ in reader) == 600
    connection.close()


def test_a_writer_of_a_rollback_journal_never_waits(tmp_path: Path) -> None:
    path = tmp_path / "games.db"
    connection = make_database(path)
    connection.execute("PRAGMA busy_timeout=0")
    reader = read_any(path)
    next(reader)
    with connection:
        connection.execute("INSERT INTO games VALUES ('new', 'hex8', 4, 3, 61, '')")
    assert sum(1 for _ in reader) == 600
    connection.close()


def test_a_database_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "games.db"
    make_database(path).close()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptData, match=r"games\.db: SQLite"):
        list(read_any(path))
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE games (name TEXT)")
        connection.execute("INSERT INTO games VALUES ('x')")
    connection.close()
    with pytest.raises(CorruptData, match="no column game_id"):
        list(read_any(path))
