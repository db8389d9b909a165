"""Killed between any two steps, and on a full disk: no half file, and no line without its file."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.errands.fields import hash_of
from tests.supervisor_state.disks import fill, tmpfs
from workers.errands.placing import place_files
from workers.errands.work import Voice, Work
from workers.ledger.manifest import Manifest, folder_of
from workers.ledger.shapes import Synced, encode

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
ACTS = ("rename", "fsync", "write", "ftruncate", "utime", "mkdir", "unlink", "fchmod", "open")
OLD = {"d/grows": b"1\n", "same": b"same\n"}
NEW = {"d/grows": b"1\n2\n", "same": b"same\n", "e/f/new": b"new\n" * 1000}
STAGING = ".quarterdeck/staging/r1"


def entry(path: str, data: bytes, mtime_ns: int) -> Synced:
    return Synced(
        "gpu-1", "k", path, len(data), 1, hash_of(data), mtime_ns, len(data), 1.5, "r1", 1
    )


def place(there: Path, files: dict[str, bytes], mtime_ns: int) -> list[Any]:
    """Stages the files, with a torn line behind, and places them, in this process."""
    rows = []
    for path, data in files.items():
        staged = there / STAGING / path
        staged.parent.mkdir(parents=True, exist_ok=True)
        staged.write_bytes(data + b"torn")
        rows.append([f"{STAGING}/{path}", encode(entry(path, data, mtime_ns)).decode()])
    work = Work(Voice(os.open(os.devnull, os.O_WRONLY)), 1)
    try:
        return place_files({"dataset": "games", "files": rows}, str(there), work)
    finally:
        work.end()


def die_at(step: int) -> None:
    """From now on the process is killed before its act of this number."""
    left = [step]

    def counted(real: Any) -> Any:
        def act(*arguments: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **more)

        return act

    for name in ACTS:
        setattr(os, name, counted(getattr(os, name)))


def check(there: Path) -> set[str]:
    """That every file is whole and every line has its file; gives the paths with a line."""
    for path in [*OLD, *NEW]:
        place = there / "games/gpu-1" / path
        if place.exists():
            assert place.read_bytes() in (OLD.get(path), NEW.get(path))
    found = Manifest(folder_of(str(there), "games"), "synced").read()
    assert found.damaged == ()
    newest = {each.path: each for each in found.entries}
    for path, each in newest.items():
        data = (there / "games/gpu-1" / path).read_bytes()
        # The file may have grown since; its line would have followed.
        assert hash_of(data[: each.bytes]) == each.hash
    return set(newest)


def test_killed_before_every_single_act(tmp_path: Path) -> None:
    begin = tmp_path / "begin"
    begin.mkdir()
    assert all(row[1] for row in place(begin, OLD, 1000))
    step, ended = 0, False
    while not ended:
        there = tmp_path / f"at-{step}"
        shutil.copytree(begin, there)
        child = os.fork()
        if child == 0:
            try:
                die_at(step)
                place(there, NEW, 2000)
                os._exit(0)
            finally:
                os._exit(1)
        status = os.waitpid(child, 0)[1]
        ended = os.WIFEXITED(status)
        assert not ended or os.WEXITSTATUS(status) == 0
        assert check(there) >= set(OLD)
        assert all(row[1] for row in place(there, NEW, 2000)), f"not healed after a death at {step}"
        assert check(there) == set(NEW)
        for path, data in NEW.items():
            assert (there / "games/gpu-1" / path).read_bytes() == data
        shutil.rmtree(there)
        step += 1
    assert step > 30


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with tmpfs(tmp_path / "disk", "size=512k") as folder:
        yield folder


@root_only
def test_a_full_disk_is_said_and_nothing_half_is_left(disk: Path) -> None:
    there = disk / "there"
    there.mkdir()
    assert all(row[1] for row in place(there, OLD, 1000))
    manifest = Manifest(folder_of(str(there), "games"), "synced")
    before = manifest.read()
    many = {f"file-{number}": b"%d\n" % number for number in range(80)}
    rows: list[Any] = []
    for path, data in many.items():
        staged = there / STAGING / path
        staged.parent.mkdir(parents=True, exist_ok=True)
        staged.write_bytes(data)
        rows.append([f"{STAGING}/{path}", encode(entry(path, data, 1000)).decode()])
    fill(disk)
    work = Work(Voice(os.open(os.devnull, os.O_WRONLY)), 1)
    placed = place_files({"dataset": "games", "files": rows}, str(there), work)
    work.end()
    assert {row[2] for row in placed} == {"no_space"}
    assert "no space left on device" in placed[0][3]
    assert manifest.read() == before
    (disk / "ballast").unlink()
    work = Work(Voice(os.open(os.devnull, os.O_WRONLY)), 1)
    again = place_files({"dataset": "games", "files": rows}, str(there), work)
    work.end()
    assert all(row[1] for row in again)
