"""Any file of a node is followed through everything that may happen to its name and its content."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.logs.world import append, bytes_of, notes_of, numbered
from workers.agent.logs.file_source import FileSource
from workers.protocol import LogChunk, LogPosition, OpenTail

MIB = 1024 * 1024


class Follower:
    """A source, and what it has given so far."""

    def __init__(self, path: Path, **want: Any) -> None:
        self.source = FileSource(str(path), OpenTail(path=str(path), **{"back_bytes": -1, **want}))
        self.items: list[Any] = []

    def read(self) -> bytes:
        """All there is now."""
        before = len(self.items)
        while (item := self.source.read(100_000)) is not None:
            self.items.append(item)
        return bytes_of(self.items[before:])

    def until(self, holds: Callable[[], Any]) -> None:
        """Reads on; what is to be seen must come within a second, twice that here."""
        deadline = time.monotonic() + 2.0
        while not holds():
            assert time.monotonic() < deadline, self.items
            self.read()
            time.sleep(0.01)

    def notes(self) -> list[str]:
        return [note.kind for note in notes_of(self.items)]

    @property
    def bytes(self) -> bytes:
        return bytes_of(self.items)

    @property
    def place(self) -> LogPosition:
        last = [item for item in self.items if isinstance(item, LogChunk)][-1]
        return LogPosition(last.attempt, last.which, last.offset + len(last.data))


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Follower]:
    path = tmp_path / "train.log"
    path.write_bytes(numbered(0, 3))
    follower = Follower(path)
    assert follower.read() == numbered(0, 3)
    yield follower
    follower.source.close()


# ---------------------------------------------------------------- the rotations of others


def test_rename_and_create_keeps_the_rest_of_the_old_file(
    followed: Follower, tmp_path: Path
) -> None:
    path = tmp_path / "train.log"
    with path.open("ab", buffering=0) as worker:
        path.rename(tmp_path / "train.log.1")
        worker.write(b"still into the old one\n")
    path.write_bytes(b"into the new one\n")
    followed.until(lambda: followed.bytes.endswith(b"into the new one\n"))
    assert followed.bytes == numbered(0, 3) + b"still into the old one\ninto the new one\n"
    assert followed.notes()[-1] == "replaced"


def test_an_empty_successor_waits_for_a_writer_that_has_not_changed_over(
    followed: Follower, tmp_path: Path
) -> None:
    path = tmp_path / "train.log"
    with path.open("ab", buffering=0) as worker:
        path.rename(tmp_path / "train.log.1")
        path.touch()
        followed.read()
        worker.write(b"late\n")
        followed.read()
    append(path, b"new\n")
    followed.until(lambda: b"new\n" in followed.bytes)
    assert followed.bytes == numbered(0, 3) + b"late\nnew\n"


def test_an_emptied_file_is_followed_from_its_start(followed: Follower, tmp_path: Path) -> None:
    append(tmp_path / "train.log", b"not read yet\n")
    unread = followed.source.size
    os.truncate(tmp_path / "train.log", 0)
    append(tmp_path / "train.log", b"new\n")
    followed.until(lambda: followed.bytes.endswith(b"new\n"))
    assert followed.bytes == numbered(0, 3) + b"new\n"
    assert followed.notes() == ["truncated"]
    assert f"cut from {unread} bytes" in notes_of(followed.items)[0].text


def test_a_cut_says_how_many_known_bytes_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(numbered(0, 1000))
    follower = Follower(path)
    follower.source.read(1)  # where it begins
    follower.source.read(400)
    os.truncate(path, 0)
    follower.read()
    assert notes_of(follower.items)[0].bytes == len(numbered(0, 1000)) - 400
    follower.source.close()


def test_copytruncate_that_grew_past_us_at_once_is_seen(followed: Follower, tmp_path: Path) -> None:
    """The file is longer than before when we look again: only its content tells."""
    os.truncate(tmp_path / "train.log", 0)
    append(tmp_path / "train.log", numbered(100, 200))
    followed.read()
    assert followed.bytes == numbered(0, 3) + numbered(100, 200)
    assert followed.notes() == ["truncated"]


def test_a_deleted_file_is_waited_for(followed: Follower, tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.unlink()
    followed.until(lambda: followed.notes() == ["missing"])
    path.write_bytes(b"back\n")
    followed.until(lambda: followed.bytes.endswith(b"back\n"))
    assert followed.notes() == ["missing", "replaced"]


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "later.log"
    follower = Follower(path)
    follower.read()
    assert follower.notes() == ["missing"]
    path.write_bytes(b"here\n")
    follower.until(lambda: follower.bytes == b"here\n")
    follower.source.close()
    with pytest.raises(FileNotFoundError):
        Follower(tmp_path / "never.log", follow=False)


# ---------------------------------------------------------------- coming back


def test_who_comes_back_goes_on_at_the_very_byte(followed: Follower, tmp_path: Path) -> None:
    place = followed.place
    append(tmp_path / "train.log", numbered(3, 50))
    again = Follower(tmp_path / "train.log", positions=(place,))
    assert again.read() == numbered(3, 50)
    assert not again.notes()
    again.source.close()


def test_an_inode_used_again_is_another_file(tmp_path: Path) -> None:
    """Same number, same name, longer than before: the first bytes tell."""
    path = tmp_path / "log"
    path.write_bytes(numbered(0, 10))
    first = Follower(path)
    first.read()
    place, inode = first.place, path.stat().st_ino
    first.source.close()
    reused = False
    for _ in range(2000):
        path.unlink()
        path.write_bytes(numbered(500, 600))
        reused = path.stat().st_ino == inode
        if reused:
            break
    if not reused:
        pytest.skip("this file system does not use the number again")
    again = Follower(path, positions=(place,))
    assert again.read() == numbered(500, 600)
    assert again.notes() == ["replaced"]
    again.source.close()


def test_a_cut_while_nobody_looked_is_told_to_who_comes_back(
    followed: Follower, tmp_path: Path
) -> None:
    place = followed.place
    os.truncate(tmp_path / "train.log", 10)
    again = Follower(tmp_path / "train.log", positions=(place,))
    assert again.read() == numbered(0, 3)[:10]
    assert again.notes() in (["truncated"], ["replaced"]), "with so few bytes it may be either"
    again.source.close()


# ---------------------------------------------------------------- what is no log


def _link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _device(path: Path) -> None:
    os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero


STRANGE = [_link, _fifo, _socket, Path.mkdir, pytest.param(_device, marks=pytest.mark.root)]


@pytest.mark.parametrize("make", STRANGE)
def test_only_plain_files_are_opened(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "x"
    make(path)
    with pytest.raises(OSError, match=r".") as refused:
        Follower(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("make", STRANGE)
def test_a_name_that_becomes_something_else_is_not_followed_there(
    followed: Follower, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "train.log"
    path.rename(tmp_path / "old")
    make(path)
    followed.until(lambda: "missing" in followed.notes())
    assert followed.bytes == numbered(0, 3)
    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    path.write_bytes(b"a plain file again\n")
    followed.until(lambda: followed.bytes.endswith(b"again\n"))


def test_names_swapped_in_a_loop_never_lead_elsewhere(followed: Follower, tmp_path: Path) -> None:
    path, secret = tmp_path / "train.log", tmp_path / "secret"
    secret.write_bytes(b"not for you\n")
    for turn in range(200):
        path.unlink()
        if turn % 3 == 0:
            path.symlink_to(secret)
        elif turn % 3 == 1:
            os.mkfifo(path)
        else:
            path.write_bytes(b"plain %d\n" % turn)
        followed.read()
    assert b"not for you" not in followed.bytes
    assert b"plain" in followed.bytes


# ---------------------------------------------------------------- sizes and contents


def test_ten_gigabytes_open_at_their_end(tmp_path: Path) -> None:
    path = tmp_path / "huge.log"
    with path.open("wb") as file:
        file.seek(10 * 1024 * MIB)
        file.write(b"\n" + numbered(0, 5000))
    follower = Follower(path, back_bytes=65_536)
    first = next(
        item for item in iter(lambda: follower.source.read(MIB), None) if isinstance(item, LogChunk)
    )
    assert first.offset > 10 * 1024 * MIB
    assert first.data.startswith(b"line "), "it begins with a whole line"
    assert numbered(0, 5000).endswith(first.data)
    assert len(first.data) > 60_000
    follower.source.close()


def test_bytes_come_as_they_were_written(tmp_path: Path) -> None:
    hostile = (
        b"\x00\x00\x1b]52;c;cHduZWQ=\x07\xff\xfe\xc3" + b"\r".join(b"%d%%" % n for n in range(101))
        + b"\xa9\n" + b"x" * 3 * MIB + b"\nend without newline"
    )  # fmt: skip
    path = tmp_path / "log"
    path.write_bytes(hostile)
    follower = Follower(path)
    assert follower.read() == hostile
    follower.source.close()
