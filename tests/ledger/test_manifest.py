"""Manifests that were torn, flipped, written by two at once, and on a disk that is full."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ledger.entries import aggregated, backed_up, synced
from workers.ledger import manifest as module
from workers.ledger.manifest import Manifest, ManifestReplaced, folder_of, paths
from workers.ledger.shapes import MAX_LINE_BYTES, Damaged, Synced, decode, encode

ROOT = Path(__file__).parents[2]


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return Manifest(folder_of(str(tmp_path), "games"), "synced")


def fill(manifest: Manifest, count: int) -> list[Synced]:
    entries = [synced(f"data/{number}.jsonl") for number in range(count)]
    manifest.append(entries)
    return entries


def test_what_was_appended_is_read_in_order(manifest: Manifest) -> None:
    first = fill(manifest, 3)
    manifest.append([])
    manifest.append([synced("last")])
    entries, offset, damaged = manifest.read()
    assert list(entries) == [*first, synced("last")]
    assert offset == os.path.getsize(manifest.path)
    assert damaged == ()


def test_reading_goes_on_where_it_ended(manifest: Manifest) -> None:
    fill(manifest, 3)
    offset = manifest.read().offset
    assert manifest.read(offset) == ((), offset, ())
    manifest.append([synced("more")])
    assert manifest.read(offset).entries == (synced("more"),)


def test_no_manifest_is_an_empty_one(manifest: Manifest, tmp_path: Path) -> None:
    assert manifest.read() == ((), 0, ())
    assert paths(str(tmp_path), "games")["synced"] == manifest.path


def test_one_that_became_shorter_is_another_one(manifest: Manifest) -> None:
    fill(manifest, 3)
    offset = manifest.read().offset
    os.truncate(manifest.path, 10)
    with pytest.raises(ManifestReplaced, match="shorter"):
        manifest.read(offset)
    os.unlink(manifest.path)
    with pytest.raises(ManifestReplaced, match="gone"):
        manifest.read(offset)


@pytest.mark.parametrize("cut", range(1, 200, 7))
def test_a_torn_tail_is_not_believed_and_not_built_upon(manifest: Manifest, cut: int) -> None:
    entries = fill(manifest, 3)
    whole = os.path.getsize(manifest.path)
    os.truncate(manifest.path, whole - cut)
    found = manifest.read()
    assert list(found.entries) == entries[: len(found.entries)]
    assert len(found.entries) == (2 if cut < len(encode(entries[2])) else 1)
    assert found.damaged == ()  # nobody knows yet whether it is still being written
    manifest.append([synced("after")])
    again = manifest.read()
    whole_but_for_its_newline = (entries[2],) if cut == 1 else ()
    assert again.entries == (*found.entries, *whole_but_for_its_newline, synced("after"))
    assert len(again.damaged) <= 1
    assert manifest.read(found.offset).entries[-1:] == (synced("after"),)


def test_every_flipped_bit_is_named_and_skipped(manifest: Manifest) -> None:
    entries = fill(manifest, 3)
    good = Path(manifest.path).read_bytes()
    line = len(encode(entries[0]))
    chance = random.Random(7)
    for _ in range(300):
        at, bit = chance.randrange(line - 1), 1 << chance.randrange(8)
        bad = bytearray(good)
        bad[at] ^= bit
        Path(manifest.path).write_bytes(bad)
        found = manifest.read()
        assert list(found.entries) == entries[1:]
        assert found.damaged
        assert "the line at byte 0" in found.damaged[0]


def test_a_checksum_that_fits_is_not_enough(manifest: Manifest) -> None:
    import json
    import zlib

    def line(**changes: object) -> bytes:
        body = {**json.loads(encode(synced())), **changes}
        del body["crc"]
        text = json.dumps({k: v for k, v in body.items() if v != "absent"}).encode()
        return text[:-1] + b',"crc":%d}' % zlib.crc32(text)

    decode("synced", line())
    for changes in (
        {"schema": 2}, {"schema": True}, {"schema": "absent"}, {"path": 3}, {"bytes": -1}, {"bytes": 1.0},
        {"bytes": True}, {"size": "absent"}, {"at": float("nan")}, {"records": "2"}, {"node_key": None},
        {"bytes": 2**70}, {"records": -1},
    ):  # fmt: skip
        with pytest.raises(Damaged):
            decode("synced", line(**changes))
    with pytest.raises(Damaged):
        decode("aggregated", line())
    text = encode(synced("a")).rpartition(b',"crc"')[0].replace(b'"a"', '"ü"'.encode()) + b"}"
    with pytest.raises(Damaged, match="ASCII"):
        decode("synced", text[:-1] + b',"crc":%d}' % zlib.crc32(text))
    for junk in (b"", b"{}", b"null", b'[],"crc":0}', b"\x00" * 80, b'{"a":' * 10_000):
        with pytest.raises(Damaged):
            decode("synced", junk)


def test_a_line_without_end_costs_no_memory(manifest: Manifest, tmp_path: Path) -> None:
    fill(manifest, 1)
    with open(manifest.path, "ab") as file:
        file.write(b"x" * (MAX_LINE_BYTES * 20) + b"\n")
    manifest.append([synced("after")])
    found = manifest.read()
    assert found.entries == (synced("data/0.jsonl"), synced("after"))
    assert found.offset == os.path.getsize(manifest.path)
    (text,) = found.damaged
    assert f"{MAX_LINE_BYTES * 20} bytes in one line" in text


def test_many_damaged_lines_are_a_number(manifest: Manifest) -> None:
    fill(manifest, 1)
    with open(manifest.path, "ab") as file:
        file.write(b"junk\n" * 100)
    found = manifest.read()
    assert len(found.damaged) == module.NAMED + 1
    assert found.damaged[-1] == f"and {100 - module.NAMED} more damaged lines"


def test_two_who_write_at_once_take_turns(manifest: Manifest) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from workers.ledger.manifest import Manifest\n"
        "from tests.ledger.entries import synced\n"
        "m = Manifest(sys.argv[2], 'synced')\n"
        "for n in range(60): m.append([synced(f'{sys.argv[3]}/{n}/{k}') for k in range(20)])\n"
    )
    argv = [sys.executable, "-c", program, str(ROOT), manifest.folder]
    writers = [subprocess.Popen([*argv, name]) for name in "ab"]
    while any(writer.poll() is None for writer in writers):
        assert manifest.read().damaged == ()
    assert [writer.wait() for writer in writers] == [0, 0]
    found = manifest.read()
    assert found.damaged == ()
    for name in "ab":
        own = [entry.path for entry in found.entries if entry.path.startswith(name)]
        assert own == [f"{name}/{n}/{k}" for n in range(60) for k in range(20)]


def test_a_full_disk_leaves_the_manifest_as_it_was(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = fill(manifest, 2)
    real = os.write

    def write(file: int, data: bytes) -> int:
        if len(data) > 50:
            return real(file, bytes(data[:50]))
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(OSError, match="No space"):
            manifest.append([synced("x")])
    assert list(manifest.read().entries) == entries
    manifest.append([synced("y")])
    assert manifest.read() == ((*entries, synced("y")), manifest.read().offset, ())


def test_an_fsync_that_failed_leaves_no_line(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = fill(manifest, 2)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(5, "I/O error")))
        with pytest.raises(OSError, match="I/O error"):
            manifest.append([synced("x")])
    assert list(manifest.read().entries) == entries


@pytest.mark.parametrize("kind", ["link", "directory", "fifo"])
def test_only_a_plain_file_is_a_manifest(manifest: Manifest, kind: str, tmp_path: Path) -> None:
    os.makedirs(manifest.folder)
    if kind == "link":
        (tmp_path / "elsewhere").write_bytes(encode(synced()))
        os.symlink(tmp_path / "elsewhere", manifest.path)
    elif kind == "directory":
        os.mkdir(manifest.path)
    else:
        os.mkfifo(manifest.path)
    with pytest.raises(OSError, match=r"synced\.jsonl"):
        manifest.read()
    with pytest.raises(OSError, match=r"synced\.jsonl"):
        manifest.append([synced()])


def test_an_entry_of_another_manifest_is_refused(manifest: Manifest) -> None:
    for entry in (aggregated(), backed_up(), synced(bytes=-1), synced("x" * MAX_LINE_BYTES)):
        with pytest.raises(ValueError, match=r"none of|bytes|at most"):
            manifest.append([entry])
    assert not os.path.exists(manifest.path)
    with pytest.raises(ValueError, match="not one of"):
        Manifest(manifest.folder, "../../etc/passwd")
