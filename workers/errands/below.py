"""Ways to a file that follow no link: each folder is opened in the one above it."""

import errno
import os
import stat
from contextlib import contextmanager
from typing import Dict, Iterator, Tuple

from workers.agent.data.listing import real_root
from workers.errands.faults import ErrandFailed
from workers.ledger.names import UnsafeName, check_path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY

__all__ = ["READ", "Folders", "folder_of", "open_file", "real_root"]


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


class Folders:
    """The folders below one root that a batch of files touches, each opened once. A context manager."""

    MOST = 200  # descriptors

    def __init__(self, root: str) -> None:
        self.root = root
        self._open: Dict[str, int] = {}

    def of(self, path: str) -> Tuple[int, str]:
        """As ``folder_of``, of a path relative to the root."""
        return self._found(path, make=False)

    def made(self, path: str) -> Tuple[int, str]:
        """As ``of``, making the folders that are missing, durably."""
        return self._found(path, make=True)

    def __enter__(self) -> "Folders":
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._open.values():
            os.close(file)
        self._open.clear()

    def _found(self, path: str, make: bool) -> Tuple[int, str]:
        folder, _, name = path.rpartition("/")
        if folder not in self._open:
            _check(path)
            if path.startswith("/"):
                raise ErrandFailed("unsafe_name", f"{path}: not below the destination, refused")
            if len(self._open) >= self.MOST:
                os.close(self._open.pop(next(iter(self._open))))
            self._open[folder] = self._walk(folder, make)
        else:
            _check(name)
            self._open[folder] = self._open.pop(folder)  # used last: closed last
        return self._open[folder], name

    def _walk(self, folder: str, make: bool) -> int:
        here = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in folder.split("/") if folder else ():
                if make:
                    _make(part, here)
                here = _step(here, part, _FOLDER, folder)
        except BaseException:
            os.close(here)
            raise
        return here


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


def _make(name: str, here: int) -> None:
    try:
        os.mkdir(name, 0o777, dir_fd=here)
    except FileExistsError:
        return
    os.fsync(here)


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
