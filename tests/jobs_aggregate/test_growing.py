"""A file that grew is read from where it ended, if its beginning is what it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs_aggregate.world import World, lines_of, text_of
from workers.jobs.aggregate import survey
from workers.ledger.shapes import DataFile
from workers.ledger.standing import standing


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "D")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first byte of each source that was read for records."""
    starts: list[int] = []
    original = survey._start

    def spied(*arguments: object) -> object:
        found = original(*arguments)  # type: ignore[arg-type]
        starts.append(found[0])
        return found

    monkeypatch.setattr(survey, "_start", spied)
    return starts


def test_it_grew(world: World, read: list[int]) -> None:
    old = text_of(lines_of(1, 2))
    world.copy("a", "x.jsonl", old)
    world.merge()
    world.copy("a", "x.jsonl", old + text_of(lines_of(2, 3)))
    (entry,) = world.merge()
    assert read == [0, len(old)]
    assert (entry.records, entry.new, entry.duplicates) == (4, 1, 1)
    assert [row["position"] for row in world.rows()][-1] == len(old) + len(lines_of(2)[0]) + 1
    world.copy("a", "x.jsonl", old + text_of(lines_of(2, 3, 4)))
    (entry,) = world.merge()
    assert (entry.records, entry.new, entry.duplicates) == (5, 1, 0)


def test_it_is_another_file_now(world: World, read: list[int]) -> None:
    world.copy("a", "x.jsonl", text_of(lines_of(1, 2)))
    world.merge()
    world.copy("a", "x.jsonl", text_of(lines_of(2, 1, 3)))
    (entry,) = world.merge()
    assert read == [0, 0]
    assert (entry.records, entry.new, entry.duplicates) == (3, 1, 2)


def test_a_last_line_that_grew(world: World, read: list[int]) -> None:
    """A file that was taken as it was, without a newline at its end."""
    whole = lines_of(12)[0]
    world.copy("a", "x.jsonl", whole)
    world.merge()
    world.copy("a", "x.jsonl", whole + b"   \n")
    (entry,) = world.merge()
    assert read == [0, 0]
    assert (entry.records, entry.new) == (1, 1)


def test_the_ledger_calls_it_safe(world: World) -> None:
    data = text_of(lines_of(1, 2))
    world.copy("a", "x.jsonl", data)
    file = DataFile("x.jsonl", len(data), len(data), 2, 1, kind="lines")

    def left() -> tuple[object, object]:
        synced = world.manifest("synced").read().entries
        found = standing([file], synced, world.entries(), None, "a-key")
        return found.unsynced_records, found.unaggregated_records

    assert left() == (0, 2)
    world.merge()
    assert left() == (0, 0)
