"""A name says all about a shard, and the agent reads the same from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.agent.data import shards as agent
from workers.harness.errors import Misconfigured
from workers.records.names import Places, ShardName, day_of, parse_shard

WORKERS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}", fullmatch=True)


@given(
    WORKERS,
    st.integers(0, 10**12),
    st.integers(0, 10**12 - 1),
    st.integers(0, 2**64 - 1).map("{:016x}".format),
)
def test_a_name_gives_back_its_parts(worker: str, sequence: int, records: int, digest: str) -> None:
    name = ShardName(worker, sequence, records, digest)
    assert parse_shard(str(name)) == name
    found = agent._SHARD.match(str(name))
    assert found is not None
    assert (int(found.group(1)), found.group(2)) == (records, digest)


@given(
    st.text(max_size=20).map(lambda text: text + "-n000500-0123456789abcdef.jsonl.zst") | st.text()
)
def test_the_agent_takes_the_same_names(name: str) -> None:
    assert (parse_shard(name) is None) == (agent._SHARD.match(name) is None)


def test_the_day_is_that_of_the_sequence() -> None:
    assert day_of(0) == "19700101"
    assert day_of(1795336995) == "20261122"


@pytest.mark.parametrize("worker", ["", ".hidden", "a/b", "a b", "ä", "x" * 101, "a\n"])
def test_a_worker_that_cannot_be_a_file_is_refused(worker: str) -> None:
    with pytest.raises(Misconfigured):
        Places.of(Path("out"), "hex8", 2).journal(worker)


@pytest.mark.parametrize("board", ["", "..", "a/b", ".x"])
def test_a_board_that_cannot_be_a_folder_is_refused(board: str) -> None:
    with pytest.raises(Misconfigured):
        Places.of(Path("out"), board, 2)


def test_the_last_shard_is_that_of_the_worker_alone(tmp_path: Path) -> None:
    places = Places(tmp_path)
    digest = "0" * 16
    for worker, sequence in (("w", 5), ("w", 1795336995), ("w-1", 1895336995), ("w-1", 7)):
        path = places.shard(ShardName(worker, sequence, 1, digest))
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = places.last_shard("w")
    assert found is not None
    assert found.name == f"w-1795336995-n000001-{digest}.jsonl.zst"
    assert places.last_shard("v") is None
