"""A file goes only if it is, to the last byte, the one that was listed and lies elsewhere."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path

import pytest

from tests.errands.fields import Field, hash_of
from workers.errands import removing
from workers.errands.faults import ErrandFailed
from workers.errands.shapes import Removal, Removed

DATA = b'{"a":1}\n'


def wanted(path: Path, field: Field, data: bytes = DATA) -> Removal:
    status = path.stat()
    name = str(path.relative_to(field.root))
    return Removal(name, status.st_size, status.st_mtime_ns, hash_of(data))


def remove(field: Field, removal: Removal) -> Removed:
    (removed,) = field.errand.remove(str(field.root), [removal])
    return removed


def test_what_was_listed_goes(field: Field) -> None:
    path = field.write("a.jsonl", DATA)
    assert remove(field, wanted(path, field)) == Removed("data/a.jsonl", True, len(DATA))
    assert os.listdir(path.parent) == []


def test_other_bytes_stay_whatever_size_and_time_say(field: Field) -> None:
    path = field.write("a.jsonl", DATA)
    removal = wanted(path, field)
    when = path.stat().st_mtime_ns
    path.write_bytes(DATA.replace(b"1", b"2"))
    os.utime(path, ns=(when, when))
    removed = remove(field, removal)
    assert (removed.removed, removed.code) == (False, "changed")
    assert path.exists()


def test_what_changed_since_it_was_listed_stays(field: Field) -> None:
    grown, touched, replaced, gone = (field.write(f"{n}.jsonl", DATA) for n in range(4))
    removals = [wanted(path, field) for path in (grown, touched, replaced, gone)]
    with grown.open("ab") as file:
        file.write(b"{}\n")
    os.utime(touched)
    os.rename(field.write("other.jsonl", b'{"b":9}\n', age_s=50), replaced)
    gone.unlink()
    removed = field.errand.remove(str(field.root), removals)
    assert [each.removed for each in removed] == [False] * 4
    assert [each.code for each in removed] == ["changed", "changed", "changed", "gone"]
    assert [path.exists() for path in (grown, touched, replaced)] == [True] * 3


def test_what_somebody_has_open_for_writing_stays(field: Field) -> None:
    path = field.write("a.jsonl", DATA)
    with path.open("ab"):
        removed = remove(field, wanted(path, field))
        assert (removed.removed, removed.code) == (False, "busy")
        assert path.read_bytes() == DATA
    with path.open("rb"):
        assert remove(field, wanted(path, field)).removed


def test_links_devices_and_ways_out(field: Field, tmp_path: Path) -> None:
    outside = tmp_path / "precious.jsonl"
    outside.write_bytes(DATA)
    status = outside.stat()
    data = field.root / "data"
    os.symlink(outside, data / "l.jsonl")
    os.symlink(tmp_path, data / "d")
    os.mkfifo(data / "f.jsonl")
    for path in (
        "data/l.jsonl", "data/d/precious.jsonl", "data/f.jsonl", "../precious.jsonl", "data/../../x",
        "data", "", "data/a\nb",
    ):  # fmt: skip
        removal = Removal(path, status.st_size, status.st_mtime_ns, hash_of(DATA))
        removed = remove(field, removal)
        assert (removed.removed, removed.code) == (False, "unsafe_name"), removed
    assert outside.read_bytes() == DATA
    assert sorted(os.listdir(data)) == ["d", "f.jsonl", "l.jsonl"]


def test_somebody_who_swaps_a_folder_for_a_link_all_the_time(field: Field, tmp_path: Path) -> None:
    """The way is walked folder by folder: at no moment does it lead out."""
    outside = tmp_path / "outside"
    outside.mkdir()
    precious = outside / "x.jsonl"
    precious.write_bytes(DATA)
    status = precious.stat()
    removal = Removal("data/d/x.jsonl", status.st_size, status.st_mtime_ns, hash_of(DATA))
    inside = field.root / "data/d"
    inside.mkdir()
    os.symlink(outside, field.root / "data/link")
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            os.rename(inside, field.root / "data/real")
            os.rename(field.root / "data/link", inside)
            os.rename(inside, field.root / "data/link")
            os.rename(field.root / "data/real", inside)

    racer = threading.Thread(target=swap)
    racer.start()
    try:
        codes: set[str] = set()
        deadline = time.monotonic() + 20
        while codes != {"unsafe_name", "gone"} and time.monotonic() < deadline:
            removed = field.errand.remove(str(field.root), [removal] * 200)
            assert not any(each.removed for each in removed)
            codes |= {each.code for each in removed}
    finally:
        ended.set()
        racer.join()
    assert codes == {"unsafe_name", "gone"}  # the race was on
    assert precious.read_bytes() == DATA


def test_a_file_outside_of_the_root_goes_by_its_own_path(field: Field, tmp_path: Path) -> None:
    outside = tmp_path / "outside.jsonl"
    outside.write_bytes(DATA)
    status = outside.stat()
    removal = Removal(str(outside), status.st_size, status.st_mtime_ns, hash_of(DATA))
    assert remove(field, removal).removed
    assert not outside.exists()


def test_one_that_stays_keeps_no_other(field: Field) -> None:
    removals = [wanted(field.write(f"{n}.jsonl", DATA), field) for n in range(5)]
    (field.root / "data/2.jsonl").write_bytes(b"other")
    removed = field.errand.remove(str(field.root), removals)
    assert [each.removed for each in removed] == [True, True, False, True, True]
    assert os.listdir(field.root / "data") == ["2.jsonl"]


def test_a_file_that_is_replaced_under_the_hand_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the last look and the act: the one that was put there is not removed."""
    path = tmp_path / "a"
    path.write_bytes(DATA)
    file = os.open(path, os.O_RDONLY)
    folder = os.open(tmp_path, os.O_RDONLY)
    before = os.fstat(file)
    (tmp_path / "new").write_bytes(b"precious")
    os.rename(tmp_path / "new", path)
    with pytest.raises(ErrandFailed, match="not the file that was listed"):
        removing._unlink(folder, "a", file, before)
    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["a"]

    real = os.rename

    def rename(*arguments: object, **more: object) -> None:
        real(*arguments, **more)  # type: ignore[arg-type]
        if not path.exists():
            path.write_bytes(b"even newer")

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(ErrandFailed):
        removing._unlink(folder, "a", file, before)
    assert path.read_bytes() == b"even newer"
    (kept,) = [name for name in os.listdir(tmp_path) if name != "a"]
    assert (tmp_path / kept).read_bytes() == b"precious"
    os.close(file)
    os.close(folder)


def test_leases_work_here_or_are_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(DATA)
    file = os.open(path, os.O_RDONLY)
    removing._lease(file)
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    os.close(file)
