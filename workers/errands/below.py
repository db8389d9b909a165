"""Ways to a file that follow no link: each folder is opened in the one above it."""

import errno
import os
import stat
from contextlib import contextmanager
from typing import Iterator, Tuple

from workers.agent.data.listing import real_root
from workers.errands.faults import ErrandFailed
from workers.ledger.names import UnsafeName, check_path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY

__all__ = ["READ", "folder_of", "made_folder", "open_file", "real_root", "sync"]


@contextmanager
def folder_of(root: str, path: str) -> Iterator[Tuple[int, str]]:
    """(the folder a file lies in, open, and the file's name there). An absolute path starts at ``/``.

    Raises ErrandFailed "unsafe_name" for a name that may not form a path and for a link on the way, OSError.
    """
    _check(path)
    *folders, name = path.lstrip("/").split("/")
    here = os.open(
        "/" if path.startswith("/") else root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    )
    try:
        for position, folder in enumerate(folders):
            flags = _FOLDER if position == len(folders) - 1 else _PASS
            here = _step(here, folder, flags, path)
        yield here, name
    finally:
        os.close(here)


@contextmanager
def made_folder(root: str, path: str) -> Iterator[Tuple[int, str]]:
    """As ``folder_of``, making the folders that are missing, durably."""
    _check(path)
    *folders, name = path.lstrip("/").split("/")
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            try:
                os.mkdir(folder, 0o777, dir_fd=here)
            except FileExistsError:
                pass
            else:
                os.fsync(here)
            here = _step(here, folder, _FOLDER, path)
        yield here, name
    finally:
        os.close(here)


def open_file(folder: int, name: str, flags: int = READ) -> Tuple[int, os.stat_result]:
    """A regular file and its status. Raises ErrandFailed "unsafe_name" for anything else, OSError."""
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode):
        raise ErrandFailed("unsafe_name", f"{kind_of(found.st_mode)}, refused")
    file = os.open(name, flags, dir_fd=folder)
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        os.close(file)
        raise ErrandFailed("unsafe_name", f"{kind_of(status.st_mode)}, refused")
    return file, status


def sync(folder: int) -> None:
    """Makes the names in an open folder durable."""
    os.fsync(folder)


def kind_of(mode: int) -> str:
    kinds = (
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a character device"),
        (stat.S_ISBLK, "a block device"),
    )
    return next((words for check, words in kinds if check(mode)), "not a regular file")


def _check(path: str) -> None:
    try:
        check_path(path)
    except UnsafeName as error:
        raise ErrandFailed("unsafe_name", str(error)) from None


def _step(here: int, folder: str, flags: int, path: str) -> int:
    try:
        there = os.open(folder, flags, dir_fd=here)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            text = f"{path}: {folder} is a symbolic link or a file, refused"
            raise ErrandFailed("unsafe_name", text) from None
        error.filename = path
        raise
    os.close(here)
    return there
