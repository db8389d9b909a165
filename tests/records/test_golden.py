"""Yesterday's bytes, which must load for ever: one shard, and one journal whose writer died within a line."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.records.games import files_in
from workers.records import GameRecord, count, encode_line, list_shards, read_shard, recover

GOLDEN = Path(__file__).parent / "golden"
NAME = "golden-1795336995-n000002-67b165635be74267.jsonl.zst"
GAMES = (
    GameRecord(
        1, "47572c59835cb3ba0dcea6b57d0de9eb", "reversi", "square8", 2, "reversi/1", 7, (19, 18, -1, 17),
        ("EwAeABoAAgA=", None, None, "EQAgAA=="), ((0.25, -0.25), None, None, (1.0, -1.0)), (40, 24), (0,),
        "natural", 4, "0123456789abcdef", "puct:32", "golden", 1795337002.25, 1.5,
    ),
    GameRecord(
        1, "2d7b27106e7d41223781a527e0c38adf", "reversi", "square8", 2, "reversi/1", 2**64 - 1, (20,), (), (),
        (32, 32), (0, 1), "max_moves", 1, "0123456789abcdef", "puct:32", "golden", 1795337003.0, 1.5,
    ),
    GameRecord(
        1, "a81dd205d242c5086700076b055b00c7", "reversi", "square8", 2, "reversi/1", 9, (), (), (), (2, 2),
        (1,), "resign", 0, "", "random", "golden", 1795337004.25, 0.0,
    ),
)  # fmt: skip


def test_the_shard() -> None:
    (shard,) = list_shards(GOLDEN)
    assert (shard.name, shard.key, shard.records) == (NAME, "square8_2p", 2)
    assert tuple(read_shard(shard.path)) == GAMES[:2]


def test_the_journal(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "square8_2p" / "open", tmp_path / "square8_2p" / "open")
    assert count(tmp_path).records == 3
    found = recover(tmp_path)
    assert (str(found), found.damaged) == ("recovered 3, torn 1", 0)
    assert tuple(read_shard(found.shards[0])) == GAMES
    assert len(files_in(tmp_path)) == 1


def test_what_is_written_today_is_the_same() -> None:
    lines = (
        (GOLDEN / "square8_2p" / "open" / "golden-2.jsonl").read_bytes().splitlines(keepends=True)
    )
    assert tuple(lines[:3]) == tuple(map(encode_line, GAMES))
