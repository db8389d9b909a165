"""Listing, counting and reading: fast from names, and nothing that was changed is believed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.agent_data.counting import Data
from tests.records.games import BOARD, PLAYERS, game, seeds_in
from workers.records import CorruptShard, Journal, count, list_shards, read_shard


def sealed(out: Path, *seeds: int, worker: str = "w", at: float = 1795336995.0) -> Path:
    journal = Journal(out, BOARD, PLAYERS, worker, clock=lambda: at)
    for seed in seeds:
        journal.append(game(seed, worker))
    journal.close()
    return journal.shards[0]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_no_flipped_bit_is_read(tmp_path: Path, data: st.DataObject) -> None:
    path = next(tmp_path.rglob("*.zst"), None) or sealed(tmp_path, 1, 2, 3)
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        path.write_bytes(changed)
        with pytest.raises(CorruptShard):
            list(read_shard(path))
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("size", [0, 1, 50])
def test_a_cut_shard_is_not_read(tmp_path: Path, size: int) -> None:
    path = sealed(tmp_path, 1, 2, 3)
    os.truncate(path, size)
    with pytest.raises(CorruptShard, match=path.name):
        next(read_shard(path))


def test_a_name_that_counts_otherwise_is_not_believed(tmp_path: Path) -> None:
    path = sealed(tmp_path, 1, 2, 3)
    other = path.with_name(path.name.replace("-n000003-", "-n000004-"))
    path.rename(other)
    with pytest.raises(CorruptShard, match="3 games, and its name says 4"):
        list(read_shard(other))
    with pytest.raises(CorruptShard, match="no shard's"):
        list(read_shard(tmp_path / "games.jsonl.zst"))


def test_the_order_is_that_of_sealing(tmp_path: Path) -> None:
    sealed(tmp_path, 3, worker="a", at=1795336995.0 + 86400)
    sealed(tmp_path, 1, worker="z")
    sealed(tmp_path, 2, worker="b", at=1795336996.0)
    assert seeds_in(tmp_path) == [1, 2, 3]


def test_a_copy_counts_once(tmp_path: Path) -> None:
    path = sealed(tmp_path / "out", 1, 2)
    copy = tmp_path / "pulled" / "gpu-1" / "square8_2p" / "20261122" / path.name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(path.read_bytes())
    assert seeds_in(tmp_path) == [1, 2]
    found = count(tmp_path)
    assert (found.records, found.shards, found.copies) == (2, 2, 1)


def test_from_any_height(tmp_path: Path) -> None:
    path = sealed(tmp_path, 1, 2)
    for folder in (tmp_path, path.parents[1], path.parent, path):
        assert [shard.path for shard in list_shards(folder)] == [path]
        assert count(folder).records == 2
        assert list_shards(folder)[0].key == "square8_2p"


def test_links_are_followed_and_circles_end(tmp_path: Path) -> None:
    sealed(tmp_path / "disk", 1, 2)
    out = tmp_path / "out"
    out.mkdir()
    (out / "square8_2p").symlink_to(tmp_path / "disk" / "square8_2p")
    (tmp_path / "disk" / "square8_2p" / "again").symlink_to(out)
    assert seeds_in(out) == [1, 2]
    assert count(out)[:3] == (2, 2, 1)


def test_unreadable_is_not_empty(tmp_path: Path) -> None:
    path = sealed(tmp_path, 1, 2)
    path.with_name(f"w-1-n000007-{'0' * 16}.jsonl.zst").touch()
    loop = tmp_path / "square8_2p" / "open" / "x.jsonl"
    loop.symlink_to(loop)
    found = count(tmp_path, sizes=True)
    assert found.records == 2
    assert len(found.unreadable) == 2
    assert all(words in str(found.unreadable) for words in ("without a byte", "x.jsonl"))


def test_what_is_missing_is_none(tmp_path: Path) -> None:
    assert list_shards(tmp_path / "missing") == []
    assert count(tmp_path / "missing").records == 0


def test_a_million_games_are_counted_from_names(tmp_path: Path) -> None:
    for number in range(2000):
        day = tmp_path / "hex8_2p" / f"202611{number % 20 + 1:02}"
        day.mkdir(parents=True, exist_ok=True)
        with open(day / f"w{number % 7}-{number}-n000500-{number:016x}.jsonl.zst", "wb") as file:
            file.write(b"x")
    taken = []
    for _ in range(7):
        before = time.process_time()
        found = count(tmp_path)
        taken.append(time.process_time() - before)
    assert (found.records, found.shards) == (1_000_000, 2000)
    assert min(taken) < 0.05, taken  # the promise of 10 ms is measured by the benchmark
    assert len(list_shards(tmp_path)) == 2000


@pytest.mark.parametrize("pattern", ["**/*.jsonl.zst", "", "square8_2p/", "*/*/*.jsonl.zst"])
def test_the_agent_counts_the_same(tmp_path: Path, pattern: str) -> None:
    sealed(tmp_path, 1, 2, 3)
    journal = Journal(tmp_path, BOARD, PLAYERS, "w2")
    journal.append(game(4))
    for name in (".w2.jsonl.tmp", ".w2.jsonl.zst.tmp", "w2.jsonl.damaged-00000000"):
        (tmp_path / "square8_2p" / "open" / name).write_bytes(b"x\n")
    found = Data(tmp_path).count(pattern or f"{tmp_path}/", method="shards")
    assert found.records == count(tmp_path).records == 4
    assert found.faults == ()
    journal.close()
    assert Data(tmp_path).count(pattern or f"{tmp_path}/", method="shards").records == 4
