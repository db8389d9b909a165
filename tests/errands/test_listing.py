"""Which files a dataset has, plain, odd and hostile."""

from __future__ import annotations

import gzip
import os
import socket
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from tests.errands.conftest import HERE
from tests.errands.fields import LINES, Field
from workers.errands.client import Errand
from workers.errands.shapes import Dataset

SHARD = "w-1790000000-n000500-0123456789abcdef.jsonl.zst"


def problems(field: Field, dataset: Dataset = LINES) -> str:
    return "\n".join(field.errand.list(str(field.root), [dataset]).problems[dataset.name])


def test_whole_lines_records_and_time(field: Field) -> None:
    path = field.write("a.jsonl", b'{"a":1}\n{"b":2}\n{"torn')
    (file,) = field.listed()
    assert file.path == "data/a.jsonl"
    assert (file.size, file.prefix_bytes, file.records, file.kind) == (22, 16, 2, "lines")
    assert file.mtime_ns == path.stat().st_mtime_ns


def test_the_last_line_end_of_a_long_torn_line(field: Field) -> None:
    field.write("a.jsonl", b"{}\n" + b"x" * 300_000)
    field.write("b.jsonl", b"x" * 300_000)
    field.write("c.jsonl", b"")
    found = [(file.prefix_bytes, file.records) for file in field.listed()]
    assert found == [(3, 1), (0, 0), (0, 0)]


def test_packed_files_travel_whole_whatever_their_names(field: Field) -> None:
    packed = gzip.compress(b"{}\n{}\n")
    field.write("a.jsonl", packed)
    (file,) = field.listed()
    assert (file.kind, file.prefix_bytes, file.records) == ("whole", len(packed), 2)


def test_settled_is_older_than_a_clock_tick(field: Field) -> None:
    field.write("old.jsonl", b"{}\n")
    deadline = time.monotonic() + 20
    while not field.listed()[0].settled:  # the kernel's own time of change is now
        assert time.monotonic() < deadline
        time.sleep(0.2)
    field.write("new.jsonl", b"{}\n", age_s=0)
    new, old = field.listed()
    assert old.settled
    assert not new.settled


def test_shards_are_known_by_name_and_journals_stay(field: Field) -> None:
    field.write(f"hex_2p/20260101/{SHARD}", b"x" * 9)
    field.write("hex_2p/open/w.jsonl", b"{}\n{}\n{")
    dataset = Dataset("games", ("data/hex_2p/*/*.jsonl.zst",), "shards")
    shard, journal = field.listed(dataset)
    assert (shard.kind, shard.records, shard.sealed_hash) == ("shard", 500, "0123456789abcdef")
    assert (journal.kind, journal.records, journal.prefix_bytes) == ("journal", 2, 6)


def test_a_database_is_marked_with_its_log(field: Field) -> None:
    path = field.root / "data/g.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE games (id INTEGER)")
    dataset = Dataset("db", ("data",), "sqlite:games")
    (before,) = field.listed(dataset)
    time.sleep(0.02)
    connection.execute("INSERT INTO games VALUES (1)")
    (after,) = field.listed(dataset)
    connection.close()
    assert after.kind == "sqlite"
    assert (after.size, after.mtime_ns) != (before.size, before.mtime_ns)
    assert after.records == 1


def test_hostile_names_are_refused_by_name(field: Field) -> None:
    field.write("good.jsonl", b"{}\n")
    field.write("a\nb\x1b[2J.jsonl", b"{}\n")
    with open(os.fsencode(field.root) + b"/data/\xff.jsonl", "wb") as file:
        file.write(b"{}\n")
    assert [file.path for file in field.listed()] == ["data/good.jsonl"]
    text = problems(field)
    assert "'data/a\\nb\\x1b[2J.jsonl': control characters, refused" in text
    assert "\\udcff.jsonl': not UTF-8, refused" in text
    assert all(line.isprintable() for line in text.split("\n"))


def test_what_is_no_file_is_refused(field: Field, tmp_path: Path) -> None:
    folder = field.root / "data"
    os.mkfifo(folder / "f.jsonl")
    os.symlink("/etc/passwd", folder / "l.jsonl")
    os.symlink("nowhere", folder / "n.jsonl")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/x.jsonl").write_bytes(b"{}\n")
    os.symlink(tmp_path / "out", folder / "d")
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(folder / "s.jsonl"))
        assert field.listed() == []
        text = problems(field)
    assert "data/f.jsonl: a FIFO, refused" in text
    assert "data/s.jsonl: a socket, refused" in text
    assert "data/l.jsonl: reached through a symbolic link, refused" in text
    assert "data/d/x.jsonl: reached through a symbolic link, refused" in text
    assert "data/n.jsonl: a link to nothing" in text


def test_a_link_to_what_is_listed_anyway_is_no_problem(field: Field) -> None:
    path = field.write("a.jsonl", b"{}\n")
    os.symlink(path, field.root / "data/b.jsonl")
    os.link(path, field.root / "data/c.jsonl")
    assert [file.path for file in field.listed()] == ["data/a.jsonl"]
    assert problems(field) == ""


def test_links_that_somebody_wrote_into_the_settings_are_followed(
    field: Field, tmp_path: Path
) -> None:
    big = tmp_path / "big"
    big.mkdir()
    (big / "x.jsonl").write_bytes(b"{}\n")
    os.symlink(big, field.root / "data/linked")
    dataset = Dataset("games", ("data/linked/*.jsonl",), "lines")
    (file,) = field.listed(dataset)
    assert file.path == str(big / "x.jsonl")
    os.symlink(field.root, tmp_path / "alias")
    listing = field.errand.list(str(tmp_path / "alias"), [dataset])
    assert listing.root == str(field.root)
    (again,) = listing.files["games"]
    assert again._replace(settled=file.settled) == file  # it may have come to rest meanwhile


def test_copies_of_other_nodes_are_none_of_ours(field: Field) -> None:
    """Even where the destination is the folder in which this node writes."""
    assert field.bring("data/b.jsonl", b"{}\n").placed
    consolidated = field.there / "games/consolidated/gen-000001/part.jsonl"
    consolidated.parent.mkdir(parents=True)
    consolidated.write_bytes(b"{}\n")
    (field.there / "games/own").mkdir()
    for name in ("games/a.jsonl", "games/own/b.jsonl", "c.jsonl"):
        (field.there / name).write_bytes(b"{}\n")
    dataset = Dataset("games", ("**/*.jsonl",), "lines")
    listing = field.errand.list(str(field.there), [dataset])
    found = [file.path for file in listing.files["games"]]
    assert found == ["c.jsonl", "games/a.jsonl", "games/own/b.jsonl"]
    assert listing.problems["games"] == ()


def test_unreadable_and_absent_are_problems_and_never_empty(field: Field) -> None:
    assert problems(field) == ""  # an empty folder is empty
    missing = Dataset("games", ("nowhere/*.jsonl",), "lines")
    assert "nowhere: not there" in problems(field, missing)
    odd = Dataset("games", ("data",), "bananas")
    assert "bananas" in problems(field, odd)
    field.write("t.parquet", b"PAR1 and no more")
    parquet = Dataset("games", ("data",), "parquet")
    assert "t.parquet" in problems(field, parquet)
    (file,) = field.listed(parquet)
    assert file.records is None


def test_a_file_that_grows_is_listed_consistently(field: Field) -> None:
    path = field.write("a.jsonl", b"")
    ended = threading.Event()

    def grow() -> None:
        with path.open("ab", buffering=0) as file:
            while not ended.is_set():
                file.write(b'{"number":12345678}\n')
                time.sleep(0.0002)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        for _ in range(8):
            (file,) = field.listed()
            assert file.prefix_bytes == 20 * (file.records or 0)
            assert file.prefix_bytes <= file.size <= path.stat().st_size
            (hashed,) = field.errand.hash(str(field.root), [(file.path, file.prefix_bytes)])
            (again,) = field.errand.hash(str(field.root), [(file.path, file.prefix_bytes)])
            assert hashed.hash == again.hash != ""
    finally:
        ended.set()
        writer.join()


def test_many_files(field: Field) -> None:
    for number in range(1200):
        (field.root / f"data/{number:04d}.jsonl").write_bytes(b"{}\n")
    assert [file.path for file in field.listed()] == [f"data/{n:04d}.jsonl" for n in range(1200)]


def test_hashing_follows_no_link_and_leaves_no_root(field: Field) -> None:
    (field.root / "real").mkdir()
    (field.root / "real/x.jsonl").write_bytes(b"{}\n")
    os.symlink(field.root / "real", field.root / "data/d")
    os.symlink(field.root / "real/x.jsonl", field.root / "data/l.jsonl")
    hostile = ["../x", "/etc/../x", "data/d/x.jsonl", "data/l.jsonl", "a\nb"]
    wanted = [(path, 3) for path in ("real/x.jsonl", *hostile)]
    good, *bad = field.errand.hash(str(field.root), wanted)
    assert good.hash
    for each in bad:
        assert not each.hash
        assert "refused" in each.problem


def test_counts_are_remembered_only_where_an_agent_keeps_them(
    field: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    field.write("a.jsonl", b"{}\n" * 50)
    state = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    with Errand.open(HERE, "here") as errand:
        errand.list(str(field.root), [LINES])
        assert not state.exists()
        kept = state / "quarterdeck/nodes" / errand.node_key
    kept.mkdir(parents=True, mode=0o700)
    with Errand.open(HERE, "here") as errand:
        (file,) = errand.list(str(field.root), [LINES]).files["games"]
        assert file.records == 50
    (saved,) = kept.iterdir()
    assert saved.name.startswith("counts-")
    with Errand.open(HERE, "here") as errand:
        (again,) = errand.list(str(field.root), [LINES]).files["games"]
        assert again._replace(settled=file.settled) == file


def test_what_is_remembered_of_a_file_holds_only_as_long_as_it_is_the_same(field: Field) -> None:
    path = field.write("a.jsonl", b"{}\n{}\n{")
    deadline = time.monotonic() + 20
    while not field.listed()[0].settled:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    first = field.listed()
    assert field.listed() == first
    when = path.stat().st_mtime_ns
    path.write_bytes(b"{}\n{123")  # as long as before, and as old
    os.utime(path, ns=(when, when))
    (changed,) = field.listed()
    assert (changed.size, changed.mtime_ns) == (first[0].size, first[0].mtime_ns)
    assert (changed.prefix_bytes, changed.records) == (3, 1)
    os.rename(path, path.with_name("b.jsonl"))
    (moved,) = field.listed()
    assert (moved.path, moved.prefix_bytes) == ("data/b.jsonl", 3)
    packed = gzip.compress(b"{}\n")
    path.with_name("b.jsonl").write_bytes(packed)
    (other,) = field.listed()
    assert (other.kind, other.prefix_bytes) == ("whole", len(packed))
