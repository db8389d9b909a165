"""What arrives, what is refused, and what is left when it goes wrong."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from tests.errands.fields import FENCE, STAGING, Field, hash_of
from workers.errands.faults import ErrandFailed
from workers.errands.shapes import Arrival
from workers.ledger.manifest import Manifest, folder_of


def test_exactly_the_bytes_of_the_entry_arrive(field: Field) -> None:
    data = b"{}\n{}\n"
    staged = field.stage("data/a.jsonl", data + b'{"more, which was written meanwhile')
    entry = field.entry("data/a.jsonl", data, mtime_ns=1_790_000_000_000_000_000)
    assert field.place(staged, entry).placed
    arrived = field.arrived("data/a.jsonl")
    assert arrived.read_bytes() == data
    assert arrived.stat().st_mtime_ns == entry.mtime_ns
    assert arrived.stat().st_mode & 0o777 == 0o600
    assert not (field.there / staged).exists()
    assert field.synced() == (entry,)


def test_outside_of_the_root(field: Field) -> None:
    placed = field.place(field.stage("x", b"1"), field.entry("/mnt/x", b"1"))
    assert placed.placed
    assert field.arrived("_root/mnt/x").read_bytes() == b"1"


def test_other_bytes_are_corrupt_and_stay_away(field: Field) -> None:
    staged = field.stage("a", b"ab")
    placed = field.place(staged, field.entry("a", b"ax"))
    assert (placed.placed, placed.code) == (False, "corrupt")
    assert not field.arrived("a").exists()
    assert field.synced() == ()


def test_fewer_bytes_than_announced(field: Field) -> None:
    assert field.place(field.stage("a", b"ab"), field.entry("a", b"abc")).code == "changed"
    assert not field.arrived("a").exists()


def test_a_shard_that_is_not_what_its_name_says(field: Field) -> None:
    data = b"a sealed shard"
    right = hashlib.blake2b(data, digest_size=8).hexdigest()
    for digest, code in ((right, ""), ("0" * 16, "corrupt")):
        assert field.bring(f"d/w-17-n000500-{digest}.jsonl.zst", data).code == code


def test_never_smaller_over_larger(field: Field) -> None:
    assert field.bring("a", b"larger").placed
    placed = field.bring("a", b"small", mtime_ns=2000)
    assert placed.code == "conflict"
    assert "a larger file lies there" in placed.reason
    assert field.arrived("a").read_bytes() == b"larger"


def test_never_older_over_newer(field: Field) -> None:
    assert field.bring("a", b"newer", mtime_ns=2000).placed
    for data in (b"older", b"older, and larger"):
        placed = field.bring("a", data, mtime_ns=1000)
        assert placed.code == "conflict"
        assert "a newer file lies there" in placed.reason
    assert field.arrived("a").read_bytes() == b"newer"
    assert field.bring(
        "a", b"newer and longer", mtime_ns=1000
    ).placed  # the same file, a clock set back


def test_lines_that_grew_take_the_place_of_their_beginning(field: Field) -> None:
    for mtime_ns, data in ((1000, b"1\n"), (2000, b"1\n2\n"), (3000, b"1\n2\n3\n")):
        assert field.bring("a", data, mtime_ns).placed
    assert field.arrived("a").read_bytes() == b"1\n2\n3\n"
    assert [entry.bytes for entry in field.synced()] == [2, 4, 6]


def test_what_lies_there_already_only_gets_its_line(field: Field) -> None:
    assert field.bring("a", b"same", mtime_ns=1000).placed
    assert field.bring("a", b"same", mtime_ns=500).placed  # staged again
    assert not (field.there / STAGING / "a").exists()
    assert field.place(f"{STAGING}/a", field.entry("a", b"same")).placed  # not even staged
    assert len(field.synced()) == 3
    gone = field.place(f"{STAGING}/b", field.entry("b", b"never came"))
    assert gone.code == "gone"


HOSTILE = ["../a", "a/../../b", "", "a\nb", "/../a", "a//b", "x\x1b[2J", "\udcff"]


def test_hostile_paths(field: Field) -> None:
    field.stage("a", b"1")
    for path in HOSTILE:
        placed = field.place(f"{STAGING}/a", field.entry(path, b"1"))
        assert (placed.placed, placed.code) == (False, "unsafe_name")
        assert placed.reason.isprintable()


def test_hostile_nodes(field: Field) -> None:
    for node in ["..", "consolidated", ".quarterdeck", "a/b", ""]:
        entry = field.entry("a", b"1")._replace(node=node)
        assert field.place(field.stage("a", b"1"), entry).code == "unsafe_name"


def test_only_staging_is_placed(field: Field) -> None:
    for staged in ["games/x", "../x", "/etc/passwd", f"{STAGING}/../../../x", ""]:
        assert field.place(staged, field.entry("a", b"1")).code == "unsafe_name"


def test_links_and_devices_in_staging_and_at_the_place(field: Field, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    folder = field.there / STAGING
    folder.mkdir(parents=True)
    os.symlink(secret, folder / "link")
    os.mkfifo(folder / "fifo")
    os.symlink(tmp_path, folder / "folder")
    for name in ("link", "fifo", "folder/secret"):
        placed = field.place(f"{STAGING}/{name}", field.entry("a", b"secret"))
        assert placed.code == "unsafe_name", placed
    (field.there / "games/gpu-1").mkdir(parents=True)
    os.symlink(tmp_path, field.there / "games/gpu-1/out")
    os.symlink(secret, field.there / "games/gpu-1/over")
    for path in ("out/x", "over"):
        placed = field.bring(path, b"hostile")
        assert placed.code == "unsafe_name", placed
    assert secret.read_bytes() == b"secret"
    assert not (tmp_path / "x").exists()
    assert field.synced() == ()


def test_one_bad_file_spoils_no_batch(field: Field) -> None:
    good, bad = field.entry("good", b"1"), field.entry("bad", b"other")
    arrivals = [
        Arrival(field.stage("bad", b"22222"), bad),
        Arrival(field.stage("good", b"1"), good),
        Arrival(f"{STAGING}/none", field.entry("none", b"1")),
    ]
    placed = field.errand.place(str(field.there), "games", arrivals, FENCE)
    assert [each.code for each in placed] == ["corrupt", "", "gone"]
    assert [each.path for each in placed] == ["bad", "good", "none"]
    assert field.synced() == (good,)


def test_a_thousand_files(field: Field) -> None:
    arrivals = []
    for number in range(600):
        data = b"%d\n" % number
        path = f"d{number % 7}/{number}"
        arrivals.append(Arrival(field.stage(path, data), field.entry(path, data)))
    began = time.monotonic()
    placed = field.errand.place(str(field.there), "games", arrivals, FENCE)
    print(f"{len(placed) / (time.monotonic() - began):.0f} files a second")
    assert all(each.placed for each in placed)
    assert len(field.synced()) == 600


def test_nothing_is_placed_without_the_lock(field: Field) -> None:
    entry, staged = field.entry("a", b"1"), field.stage("a", b"1")
    for destination, fence in ((field.there, FENCE + 1), (field.there / "x", FENCE)):
        with pytest.raises(ErrandFailed, match="not locked by this errand"):
            field.errand.place(str(destination), "games", [Arrival(staged, entry)], fence)


def test_a_manifest_that_cannot_be_written_leaves_files_without_lines(field: Field) -> None:
    os.makedirs(Manifest(folder_of(str(field.there), "games"), "synced").path)
    placed = field.bring("a", b"1")
    assert not placed.placed
    assert "synced.jsonl" in placed.reason
    assert field.arrived("a").read_bytes() == b"1"
    os.rmdir(Manifest(folder_of(str(field.there), "games"), "synced").path)
    assert field.place(
        f"{STAGING}/a", field.entry("a", b"1")
    ).placed  # the next run only writes the line
    assert field.synced()[0].hash == hash_of(b"1")


def test_staging_of_a_run_is_cleared_and_no_other(field: Field, tmp_path: Path) -> None:
    field.stage("a/b", b"12345")
    keep = tmp_path / "keep"
    keep.write_bytes(b"1")
    os.symlink(tmp_path, field.there / STAGING / "link")
    other = field.there / ".quarterdeck/staging/r2/x"
    other.parent.mkdir()
    other.write_bytes(b"1")
    assert field.errand.clear_staging(str(field.there), "r1", FENCE) == 5
    assert keep.exists()
    assert other.exists()
    assert not (field.there / ".quarterdeck/staging/r1").exists()
    assert field.errand.clear_staging(str(field.there), "r1", FENCE) == 0
    with pytest.raises(ErrandFailed, match="the run"):
        field.errand.clear_staging(str(field.there), "..", FENCE)


def test_more_folders_than_are_kept_open(field: Field) -> None:
    arrivals = []
    for number in range(450):
        data = b"%d\n" % number
        path = f"d{number}/x"
        arrivals.append(Arrival(field.stage(path, data), field.entry(path, data)))
    placed = field.errand.place(str(field.there), "games", arrivals, FENCE)
    assert all(each.placed for each in placed), placed[0]
    for number in range(450):
        assert field.arrived(f"d{number}/x").read_bytes() == b"%d\n" % number
