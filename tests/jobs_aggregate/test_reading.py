"""The store is read by DuckDB, by pyarrow and by the trainer; a line comes out as it went in."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pyarrow.dataset as ds
import pytest

from tests.jobs_aggregate.world import World, lines_of, text_of
from tests.records.games import BOARD, PLAYERS, game
from workers.harness import CorruptData
from workers.records import encode_line
from workers.records.consolidated import games_of, is_store, read_group

KEY = f"{BOARD}_{PLAYERS}p"


@pytest.fixture
def world(tmp_path: Path) -> World:
    found = World(tmp_path / "D")
    found.copy("a", "x.jsonl", text_of(lines_of(1, 2)))
    found.copy("b", "games.jsonl", b"".join(encode_line(game(seed)) for seed in range(6)))
    found.merge()
    found.copy("a", "y.jsonl", text_of(lines_of(3)) + encode_line(game(7)))
    found.merge()
    return found


def test_duckdb_and_pyarrow(world: World) -> None:
    files = f"{world.store}/gen-*/*.parquet"
    rows = duckdb.execute(
        "SELECT node, count(*), count(DISTINCT id), sum(plies) FROM read_parquet(?) GROUP BY node ORDER BY node",
        [files],
    ).fetchall()
    assert [row[:3] for row in rows] == [("a", 4, 4), ("b", 6, 6)]
    paths = [str(path) for path in world.store.glob("gen-*/*.parquet")]
    table = ds.dataset(paths, format="parquet").to_table(filter=ds.field("format") == "shard/1")
    assert sorted(table.column("seed").to_pylist()) == [0, 1, 2, 3, 4, 5, 7]
    assert "pandas" not in sys.modules


def test_games(world: World) -> None:
    assert is_store(world.store)
    assert not is_store(world.folder)
    groups = games_of(world.store, KEY)
    assert [group.games for group in groups] == [6, 1]
    assert len({group.digest for group in groups}) == 2
    assert groups[0].sequence == 1790000005
    games = [found for group in groups for found in read_group(group.path, KEY)]
    assert games == [game(seed) for seed in (0, 1, 2, 3, 4, 5, 7)]
    assert list(read_group(groups[0].path, "hex8_2p")) == []
    assert games_of(world.store, "hex8_2p") == []
    assert games_of(world.root / "nowhere", KEY) == []


def test_a_damaged_part(world: World) -> None:
    group = games_of(world.store, KEY)[0]
    part = Path(group.path.partition("#")[0])
    part.write_bytes(part.read_bytes()[:-30])
    with pytest.raises(CorruptData, match="Parquet"):
        list(read_group(group.path, KEY))
    part.unlink()
    with pytest.raises(FileNotFoundError):
        list(read_group(group.path, KEY))


@pytest.mark.skipif(find_spec("torch") is None, reason="needs torch")
def test_the_trainer_learns_the_same(tmp_path: Path) -> None:
    from tests.training.games import played, write
    from tests.training.running import Room

    room = Room(tmp_path / "shards")
    shards = [write(room.games, played(6, seed), f"w{seed}") for seed in (1, 2)]
    world = World(tmp_path / "D")
    for node, shard in zip("ab", shards, strict=True):
        world.copy(node, f"square8_2p/20260901/{shard.name}", shard.read_bytes())
    world.merge()
    other = Room(tmp_path / "store")
    other.games = world.store
    assert other.train("--steps", "6") == 0
    assert other.status["extra"]["games"] == 12
    assert room.train("--steps", "6") == 0
    assert room.status["extra"]["games"] == 12
    assert other.train("--steps", "9") == 0
