"""Every record once, whatever it came in and how often; what is none is kept aside."""

from __future__ import annotations

import base64
import threading
from pathlib import Path

import pytest

from tests.jobs_aggregate.world import World, lines_of, text_of
from tests.records.games import BOARD, PLAYERS, game
from workers.harness import CorruptData
from workers.jobs.aggregate import duplicates
from workers.jobs.crew import Crew
from workers.jobs.errors import Interrupted, SomeFailed
from workers.records import encode_line


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "D")


def test_records_of_two_nodes(world: World) -> None:
    world.copy("a", "data/x.jsonl", text_of(lines_of(1, 2, 3)))
    world.copy("b", "/mnt/data/y.jsonl", text_of(lines_of(3, 4)))
    entries = world.merge()
    assert sorted(world.lines()) == sorted(lines_of(1, 2, 3, 4))
    assert [(e.node, e.path, e.records, e.new, e.duplicates) for e in entries] == [
        ("a", "data/x.jsonl", 3, 3, 0),
        ("b", "/mnt/data/y.jsonl", 2, 1, 1),
    ]
    assert {entry.generation for entry in entries} == {1}
    (row,) = [row for row in world.rows() if row["line"].encode() == lines_of(4)[0]]
    assert (row["node"], row["file"], row["position"]) == ("b", "/mnt/data/y.jsonl", len(lines_of(3)[0]) + 1)  # fmt: skip
    assert (row["board"], row["players"], row["winner"], row["plies"]) == ("hex8", 2, 0, 4)
    assert (row["format"], row["worker"], row["game"]) == ("json", None, None)


def test_a_second_run_takes_only_what_is_new(world: World) -> None:
    world.copy("a", "x.jsonl", text_of(lines_of(1, 2)))
    world.merge()
    assert world.merge() == []
    world.copy("b", "x.jsonl", text_of(lines_of(2, 3)))
    (entry,) = world.merge(run="run-2")
    assert (entry.generation, entry.new, entry.duplicates, entry.run) == (2, 1, 1, "run-2")
    assert len(world.manifests) == 2
    world.copy("c", "x.jsonl", text_of(lines_of(1, 2, 3)))
    (entry,) = world.merge()
    assert (entry.generation, entry.new, entry.duplicates) == (3, 0, 3)
    assert world.manifests[-1]["parts"] == []
    assert world.manifests[-1]["records_in_store"] == 3


def test_games_of_ours(world: World) -> None:
    games = [game(seed) for seed in range(5)]
    data = b"".join(map(encode_line, games))
    world.copy("a", "runs/run-7/games.jsonl", data)
    again = games[2]._replace(worker="another", search="puct:64")
    world.copy("b", "games.jsonl", encode_line(again) + encode_line(game(9)))
    first, second = world.merge()
    assert (first.new, second.new, second.duplicates) == (5, 1, 1)
    row = world.rows()[2]
    assert row["line"].encode() + b"\n" == encode_line(games[2])
    assert (row["id"], row["format"], row["worker"]) == (games[2].id, "shard/1", games[2].worker)
    assert (row["moves"], row["scores"]) == ([*games[2].moves], [40, 24])
    assert (row["seed"], row["run"], row["start"]) == (2, "run-7", games[2].start)
    assert world.manifests[0]["parts"][0]["groups"][0][1] == {f"{BOARD}_{PLAYERS}p": 6}


def test_broken_lines_are_kept_aside(world: World) -> None:
    whole = encode_line(game(1))
    broken = whole.replace(b"square8", b"square9")
    lines = [b"no json", b"[1, 2]", b'{"a": 1', b"\xff\xfe{}", b' {"fine": 1}', b"", b'{"n": NaN}']
    world.copy("a", "x.jsonl", text_of(lines) + broken + whole)
    (entry,) = world.merge()
    assert (entry.records, entry.new, entry.rejected) == (8, 3, 5)
    kept = world.rejected()
    texts = [
        each["text"].encode() if "text" in each else base64.b64decode(each["base64"])
        for each in kept
    ]
    assert sorted(texts) == sorted([*lines[:4], broken.rstrip(b"\n")])
    reasons = {text: each["reason"] for text, each in zip(texts, kept, strict=True)}
    assert "not JSON" in reasons[b"no json"]
    assert "not an object" in reasons[b"[1, 2]"]
    assert "not UTF-8 (byte 0)" in reasons[b"\xff\xfe{}"]
    assert "checksum" in reasons[broken.rstrip(b"\n")]
    places = {each["position"] for each in kept}
    assert {0, 8, 15} <= places
    assert {each["node"] for each in kept} == {"a"}


def test_the_same_broken_line_twice_is_counted_twice(world: World) -> None:
    world.copy("a", "x.jsonl", encode_line(game(1))[:-3] + b"\n" + encode_line(game(1))[:-3] + b"\n")  # fmt: skip
    (entry,) = world.merge()
    assert (entry.new, entry.duplicates, entry.rejected) == (0, 0, 2)


def test_only_what_the_manifest_names(world: World) -> None:
    data = text_of(lines_of(1, 2))
    place = world.copy("a", "x.jsonl", data)
    place.write_bytes(data + text_of(lines_of(3)) + b'{"half')
    world.place("a", "other.jsonl").write_bytes(text_of(lines_of(4)))
    world.merge()
    assert sorted(world.lines()) == sorted(lines_of(1, 2))


def test_a_copy_that_is_not_what_was_synced(world: World) -> None:
    place = world.copy("a", "x.jsonl", text_of(lines_of(1, 2)))
    place.write_bytes(text_of(lines_of(1, 3)))
    world.copy("b", "x.jsonl", text_of(lines_of(1)))
    with pytest.raises(SomeFailed, match=r"a: 1 files not taken: x.jsonl .*sync it again"):
        world.merge()
    assert world.lines() == lines_of(1)
    assert world.rows()[0]["node"] == "b"
    assert [entry.node for entry in world.entries()] == ["b"]
    world.copy("a", "x.jsonl", text_of(lines_of(1, 3)))
    (entry,) = world.merge()
    assert (entry.new, entry.duplicates) == (1, 1)


def test_nothing_but_damage(world: World) -> None:
    world.copy("a", "x.jsonl", text_of(lines_of(1, 2))).write_bytes(b"short\n")
    with pytest.raises(CorruptData, match="the copy ends at byte 6"):
        world.merge()
    world.place("a", "x.jsonl").unlink()
    with pytest.raises(CorruptData, match="No such file"):
        world.merge()
    assert world.manifests == []


def test_many_small_files_and_generations(world: World) -> None:
    for number in range(60):
        world.copy(f"n{number % 3}", f"{number}.jsonl", text_of(lines_of(number, number + 1)))
    world.options = {"generation_bytes": 1000, "part_bytes": 1}
    entries = world.merge()
    assert sorted(world.lines()) == sorted(lines_of(*range(61)))
    assert len(entries) == 60
    assert len(world.manifests) > 5


def test_lines_as_long_as_a_batch_and_longer(world: World) -> None:
    long = [b'{"n": %d, "x": "%s"}' % (n, b"x" * 3_000_000) for n in range(8)]
    world.copy("a", "x.jsonl", text_of([*lines_of(1), *long, *lines_of(2)]))
    world.merge()
    assert sorted(world.lines()) == sorted([*lines_of(1, 2), *long])
    assert len(world.manifests[0]["parts"][0]["groups"]) > 1


def test_a_line_without_end_is_no_record(world: World) -> None:
    world.copy("a", "x.jsonl", text_of(lines_of(1)) + b"x" * (65 << 20))
    with pytest.raises(CorruptData, match="a line of more than 64 MiB"):
        world.merge()


def test_a_stop_while_records_are_compared(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.copy("a", "x.jsonl", text_of(lines_of(1)))
    monkeypatch.setattr(duplicates, "_WITHIN", "SELECT a.range AS place, 1 AS why FROM range(10000000) a, range(1000000) b")  # fmt: skip

    def stop() -> None:
        raise Interrupted("stopped")

    monkeypatch.setattr(Crew, "check", lambda self: stop() if compares(self) else None)
    with pytest.raises(Interrupted):
        world.merge()
    assert world.manifests == []


def compares(_: object) -> bool:
    """Whether DuckDB is at it."""
    return any(thread.name.startswith("duckdb") for thread in threading.enumerate())
