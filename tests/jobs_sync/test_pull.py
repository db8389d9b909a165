"""Files of a node here, as one sync after another finds them."""

from __future__ import annotations

import sqlite3

from tests.jobs_sync.scenes import Scene, parts
from workers.errands.client import Errand
from workers.errands.shapes import Dataset
from workers.jobs import sync
from workers.ledger.shapes import Standing
from workers.ledger.standing import standing


def test_all_kinds_arrive_once_and_then_nothing_moves(scene: Scene, patient: None) -> None:
    scene.put("d/a.jsonl", '{"a":1}\n{"a":2}\n{"torn')
    worker = scene.run()
    assert scene.copy("games", "d/a.jsonl").read_text() == '{"a":1}\n{"a":2}\n'
    (entry,) = scene.synced()
    assert (entry.path, entry.bytes, entry.records, entry.fence) == ("d/a.jsonl", 16, 2, 2)
    assert parts(worker)["gpu-1"]["message"].startswith("1 file, 16 B synced")
    scene.put("d/lost.jsonl", "{}\n")
    scene.run()
    scene.copy("games", "d/lost.jsonl").unlink()
    scene.put("f/x/one.bin", b"1" * 1000)
    scene.put("f/two", b"2")
    worker = scene.run()
    assert scene.copy("games", "d/lost.jsonl").exists()  # what is not there is fetched again
    part = parts(worker)["gpu-1"]
    assert (part["state"], part["done"], part["bytes"]) == ("done", 3, 1004)
    assert scene.copy("files", "f/x/one.bin").read_bytes() == b"1" * 1000
    found = [entry for entry in scene.synced() if entry.path == "d/a.jsonl"]
    assert found[-1].mtime_ns >= 0, "it was not written to since, whatever was so at first"
    scene.check()
    before = scene.synced(), scene.synced("files")
    scene.run()
    assert (scene.synced(), scene.synced("files")) == before
    assert not (scene.destination / ".quarterdeck/staging/sync").exists()
    assert {each.dataset: each.unsynced_bytes for each in standings(scene)} == {
        "games": 6,
        "files": 0,
    }


def test_what_would_destroy_a_copy_is_refused(scene: Scene) -> None:
    before = '{"a":1}\n{"a":2}\n'
    scene.put("d/cut.jsonl", before)
    scene.put("d/other.jsonl", before)
    scene.put("d/grows.jsonl", before)
    scene.run()
    scene.put("d/cut.jsonl", '{"a":1}\n', age_s=5)
    scene.put("d/other.jsonl", '{"b":1}\n{"b":2}\n{"b":3}\n', age_s=5)
    scene.put("d/grows.jsonl", before + '{"a":3}\n', age_s=5)
    error = scene.failing()
    assert "d/cut.jsonl: smaller than what was synced (8 of 16 bytes)" in str(error)
    assert "d/other.jsonl: rewritten: it no longer begins with" in str(error)
    assert (error.code, error.phase) == (1, "partial")
    assert scene.copy("games", "d/cut.jsonl").read_text() == before
    assert scene.copy("games", "d/other.jsonl").read_text() == before
    assert scene.copy("games", "d/grows.jsonl").read_text() == before + '{"a":3}\n'
    assert [entry.bytes for entry in scene.synced() if entry.path == "d/grows.jsonl"] == [16, 24]
    scene.check()


def standings(scene: Scene) -> list[Standing]:
    """What the ledger says of the node afterwards."""
    wanted = [Dataset("games", ("d/**/*.jsonl",), "lines"), Dataset("files", ("f/**",), "files")]
    with Errand.open({"ssh": None}, "local") as errand:
        listing = errand.list(str(scene.root), wanted)
    return [
        standing(files, scene.synced(name), (), None, listing.node_key, name)
        for name, files in listing.files.items()
    ]


def test_a_database_travels_as_a_snapshot(scene: Scene) -> None:
    path = scene.root / "q/games.db"
    path.parent.mkdir()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE games (x)")
        database.executemany("INSERT INTO games VALUES (?)", [(n,) for n in range(100)])
    scene.run()
    copy = scene.copy("db", "q/games.db")
    assert sqlite3.connect(copy).execute("SELECT count(*) FROM games").fetchone() == (100,)
    database.execute("INSERT INTO games VALUES (1)")
    database.commit()
    scene.run()
    assert sqlite3.connect(copy).execute("SELECT count(*) FROM games").fetchone() == (101,)
    assert [file.name for file in path.parent.iterdir() if "snapshot" in file.name] == []
    scene.check()


def test_files_outside_of_the_root(scene: Scene) -> None:
    other = scene.put("elsewhere/a.jsonl", '{"a":1}\n', root=scene.folder)
    scene.changes["datasets"] = [
        {"name": "games", "paths": [str(other)], "count": "lines", "nodes": ["gpu-1"]}
    ]
    scene.run()
    assert scene.copy("games", f"_root{other}").read_text() == '{"a":1}\n'
    assert scene.synced()[0].path == str(other)


def test_the_plan_names_files_bytes_commands_and_nevers(scene: Scene) -> None:
    scene.put("d/a.jsonl", '{"a":1}\n')
    scene.put("d/odd\nname.jsonl", '{"a":1}\n')
    found = sync.plan(scene.document())
    assert (found.files, found.bytes) == (1, 8)
    text = found.text()
    assert "1 REFUSED: d/odd\\nname.jsonl" in text or "control characters" in text
    assert "$ rsync --times --safe-links --no-devices --no-specials" in text
    assert "never: delete anything" in text
    assert "--delete " not in text.replace("no --delete is", "")
    assert not scene.destination.exists()


def test_too_little_room_is_refused_before_anything_moves(scene: Scene) -> None:
    scene.put("d/big.jsonl", b"{}\n" * 1000)
    scene.changes["limits"] = {"space_fraction": 0.0}
    assert "may be used" in sync.plan(scene.document()).text()
    error = scene.failing()
    assert error.code == 6
    assert not scene.copy("games", "d/big.jsonl").exists()
