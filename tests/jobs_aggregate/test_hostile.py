"""What came from a node never becomes a path, a query or a record unchecked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs_aggregate.world import World, lines_of, text_of
from workers.harness import CorruptData, WorkerError
from workers.jobs.errors import SomeFailed


@pytest.fixture
def world(tmp_path: Path) -> World:
    found = World(tmp_path / "D")
    found.copy("good", "x.jsonl", text_of(lines_of(1)))
    return found


@pytest.mark.parametrize(
    ("node", "path"),
    [
        ("a", "../../outside.jsonl"), ("a", "x/../../../outside.jsonl"), ("a", "a\nb"), ("a", ""),
        ("../a", "x.jsonl"), ("consolidated", "x.jsonl"), (".quarterdeck", "synced.jsonl"),
    ],
)  # fmt: skip
def test_names(world: World, tmp_path: Path, node: str, path: str) -> None:
    (tmp_path / "outside.jsonl").write_bytes(text_of(lines_of(2)))
    world.name(node, path, text_of(lines_of(2)))
    with pytest.raises(SomeFailed, match="1 files not taken"):
        world.merge()
    assert world.lines() == lines_of(1)


def test_links_are_not_followed(world: World, tmp_path: Path) -> None:
    data = text_of(lines_of(2))
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.jsonl").write_bytes(data)
    (world.folder / "a").mkdir()
    (world.folder / "a" / "folder").symlink_to(tmp_path / "outside")
    (world.folder / "a" / "x.jsonl").symlink_to(tmp_path / "outside" / "x.jsonl")
    world.name("a", "folder/x.jsonl", data)
    world.name("a", "x.jsonl", data)
    with pytest.raises(SomeFailed, match="2 files not taken"):
        world.merge()
    assert world.lines() == lines_of(1)


def test_quotes_in_names(tmp_path: Path) -> None:
    world = World(tmp_path / "it's")
    world.copy("a", "o'clock'.jsonl", text_of(lines_of(1)))
    world.merge()
    world.copy("b", "o'clock'.jsonl", text_of(lines_of(1, 2)))
    world.merge()
    assert {row["file"] for row in world.rows()} == {"o'clock'.jsonl"}
    assert len(world.rows()) == 2


def test_a_damaged_manifest_is_never_taken_for_none(world: World) -> None:
    world.merge()
    (path,) = world.store.glob("gen-*/manifest-*.json")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"rows":1', b'"rows":2'))
    with pytest.raises(CorruptData, match="checksum"):
        world.merge_raw()
    path.unlink()
    with pytest.raises(CorruptData, match="has no manifest"):
        world.merge_raw()
    path.write_bytes(whole)
    part = next(world.store.glob("gen-*/part-*.parquet"))
    part.rename(part.with_suffix(".away"))
    with pytest.raises(CorruptData, match="a part of the store is missing"):
        world.merge_raw()


def test_a_generation_that_went_is_missed(world: World) -> None:
    world.merge()
    (generation,) = world.store.glob("gen-*")
    generation.rename(world.root / "elsewhere")
    world.copy("b", "x.jsonl", text_of(lines_of(2)))
    with pytest.raises(CorruptData, match="generation 1 is not there, though the ledger has it"):
        world.merge_raw()
    assert world.manifests == []


def test_a_part_that_is_rotten(world: World) -> None:
    world.merge()
    part = next(world.store.glob("gen-*/part-*.parquet"))
    part.write_bytes(b"x" * part.stat().st_size)
    world.copy("b", "x.jsonl", text_of(lines_of(1, 2)))
    with pytest.raises(CorruptData, match=r"cannot be compared with: .*part-00000\.parquet"):
        world.merge_raw()
    assert len(world.manifests) == 1
    assert {path.name for path in world.store.iterdir()} == {"gen-000001"}


def test_what_holds_no_records(world: World) -> None:
    world.copy("a", "model.bin", b"\0\1\2\3" * 1000)
    with pytest.raises(SomeFailed, match="neither JSONL"):
        world.merge()
    assert world.rejected() == []


def test_too_little_memory_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.jobs.aggregate.generation._SHARE", 0.001)
    with pytest.raises(WorkerError, match="too little to merge"):
        world.merge()
    assert world.manifests == []
