"""Files that must survive: folders and names that are durable, locks between processes."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMON = os.O_CLOEXEC | os.O_NOFOLLOW
PIECE_BYTES = 256 * 1024


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Gives an OSError of a bare descriptor the path it was about."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def sync_folder(path: Path) -> None:
    """Makes the names in a folder durable. Raises OSError."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with naming(path):
            os.fsync(folder)
    finally:
        os.close(folder)


def sync_file(path: Path) -> None:
    """Makes a file that others wrote durable. Raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with naming(path):
            os.fsync(file)
    finally:
        os.close(file)


def hash_of(path: Path) -> tuple[int, str]:
    """Bytes of a file, and their blake2b-128. Raises OSError."""
    hashed, size = hashlib.blake2b(digest_size=16), 0
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for piece in pieces_of(file):
            hashed.update(piece)
            size += len(piece)
    finally:
        os.close(file)
    return size, hashed.hexdigest()


def make_folders(path: Path) -> None:
    """The folder and those above it, durably. Raises OSError."""
    if path.is_dir():
        return
    make_folders(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def write_all(file: int, data: bytes) -> None:
    """However small the pieces the file takes. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def write_whole(draft: Path, path: Path, data: bytes) -> None:
    """Durably there, or not at all; ``draft`` is in the same file system. Raises OSError."""
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | COMMON, 0o666)
    try:
        with naming(draft):
            write_all(file, data)
            os.fsync(file)
        os.rename(draft, path)
    except OSError:
        remove_quietly(draft)
        raise
    finally:
        os.close(file)
    sync_folder(path.parent)


def pieces_of(file: int) -> Iterator[bytes]:
    """An open file from its start, wherever it stands. Raises OSError."""
    offset = 0
    while piece := os.pread(file, PIECE_BYTES, offset):
        offset += len(piece)
        yield piece


def try_lock(file: int) -> bool:
    """``flock`` and never a POSIX lock, which vanishes with any close of the file. Raises OSError."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_still(path: Path, file: int) -> bool:
    """Whether the open file has that name."""
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(file), there)


def remove_quietly(path: Path) -> None:
    """One that cannot be removed stays."""
    try:
        os.unlink(path)
    except OSError:
        pass
