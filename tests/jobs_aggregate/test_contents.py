"""What a file holds is told by its content; what is torn gives what came before the tear."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.jobs_aggregate.world import World, lines_of, text_of
from tests.records.games import game
from workers.harness import CorruptData
from workers.records import Journal
from workers.records.zstd import compressed


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "D")


def zst(data: bytes) -> bytes:
    return b"".join(compressed([data]))


@pytest.mark.parametrize("pack", [gzip.compress, zst], ids=["gzip", "zstd"])
def test_packed_under_a_wrong_name(world: World, pack: object) -> None:
    assert callable(pack)
    world.copy("a", "x.jsonl", pack(text_of(lines_of(1, 2))) + pack(text_of(lines_of(3))))
    world.copy("b", "x.gz", text_of(lines_of(3, 4)))
    packed, plain = world.merge()
    assert (packed.new, plain.new, plain.duplicates) == (3, 1, 1)
    assert world.rows()[1]["position"] == len(lines_of(1)[0]) + 1


@pytest.mark.parametrize("pack", [gzip.compress, zst], ids=["gzip", "zstd"])
def test_torn(world: World, pack: object) -> None:
    assert callable(pack)
    whole = pack(text_of(lines_of(*range(5000))))
    world.copy("a", "x.jsonl.gz", whole[: len(whole) * 2 // 3])
    (entry,) = world.merge()
    assert 100 < entry.new < 5000
    assert world.lines() == lines_of(*range(entry.new))
    assert entry.rejected in (1, 2)  # the tear, and the piece of a line before it
    assert any("torn" in each["reason"] for each in world.rejected())
    assert world.merge() == []


def test_sealed_shards(world: World, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "out", "square8", 2, "w", seal_games=4)
    for seed in range(10):
        journal.append(game(seed))
    journal.close()
    for node, shards in (("a", journal.shards), ("b", journal.shards[1:])):
        for shard in shards:
            world.copy(node, f"square8_2p/20260901/{shard.name}", shard.read_bytes())
    entries = world.merge()
    assert [(e.new, e.duplicates) for e in entries] == [(4, 0), (4, 0), (2, 0), (0, 4), (0, 2)]
    assert {row["seed"] for row in world.rows()} == set(range(10))


def test_a_shard_that_holds_less_than_its_name_says(world: World) -> None:
    name = "w-1790000000-n000003-0123456789abcdef.jsonl.zst"
    world.copy("a", name, zst(text_of(lines_of(1, 2))))
    (entry,) = world.merge()
    assert (entry.new, entry.rejected) == (2, 1)
    assert world.rejected()[0]["reason"] == "2 games, and its name says 3"


def database(path: Path, rows: int, first: int = 0) -> bytes:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(
        "CREATE TABLE games (game_id TEXT, board_type TEXT, num_players INT, winner INT, "
        "total_moves INT, data BLOB, score REAL)"
    )
    connection.executemany(
        "INSERT INTO games VALUES (?, 'hex8', 2, 0, 44, ?, 0.5)",
        [(f"g{n}", bytes([n % 256])) for n in range(first, first + rows)],
    )
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.read_bytes()


def test_databases(world: World, tmp_path: Path) -> None:
    world.copy("a", "games.db", database(tmp_path / "1.db", 3000))
    world.copy("b", "other.sqlite", database(tmp_path / "2.db", 2000, 2000))
    first, second = world.merge()
    assert (first.new, second.new, second.duplicates) == (3000, 1000, 1000)
    row = world.rows()[7]
    assert (row["board"], row["players"], row["plies"], row["position"]) == ("hex8", 2, 44, 7)
    assert row["format"] == "row"
    assert json.loads(row["line"]) == {
        "game_id": "g7", "board_type": "hex8", "num_players": 2, "winner": 0, "total_moves": 44,
        "data": {"base64": "Bw=="}, "score": 0.5,
    }  # fmt: skip
    assert not list(world.folder.rglob("*-wal"))


def test_a_table_of_another_name(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.execute('CREATE TABLE "od""d" (a INT)')
    connection.execute('INSERT INTO "od""d" VALUES (7)')
    connection.commit()
    connection.close()
    data = (tmp_path / "x.db").read_bytes()
    world = World(tmp_path / "D", 'sqlite:od"d')
    world.copy("a", "x.db", data)
    world.merge()
    assert world.lines() == [b'{"a":7}']
    other = World(tmp_path / "E")
    other.copy("a", "x.db", data)
    with pytest.raises(CorruptData, match="no such table: games"):
        other.merge()
    assert other.entries() == []


def test_a_damaged_database_gives_nothing(world: World, tmp_path: Path) -> None:
    data = bytearray(database(tmp_path / "1.db", 3000))
    data[20_000:40_000] = b"\xff" * 20_000
    world.copy("a", "games.db", bytes(data))
    with pytest.raises(CorruptData, match="SQLite"):
        world.merge()
    assert world.manifests == []


def test_parquet(world: World, tmp_path: Path) -> None:
    table = pa.table({"winner": [0, 1, None], "board": ["hex8"] * 3, "moves": [[1, 2], [], None]})
    pq.write_table(table, tmp_path / "x.parquet")
    data = (tmp_path / "x.parquet").read_bytes()
    world.copy("a", "x.parquet", data)
    world.copy("b", "nested/y", data)
    first, second = world.merge()
    assert (first.new, second.duplicates) == (3, 3)
    assert world.lines()[0] == b'{"board":"hex8","moves":[1,2],"winner":0}'
    world.copy("c", "x.parquet", data[:-10] + b"PAR1" * 3)
    with pytest.raises(Exception, match=r"partial: .*Parquet"):
        world.merge()


def test_an_empty_file(world: World) -> None:
    world.copy("a", "x.jsonl", b"")
    world.copy("a", "y.jsonl", b"\n\n  \n")
    first, second = world.merge()
    assert (first.records, second.records, second.rejected) == (0, 0, 0)
    assert world.merge() == []
