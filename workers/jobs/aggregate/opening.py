"""Opens a copy at the destination without following a link: what came from a node is data and no path."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


@contextmanager
def opened(folder: Path, parts: Sequence[str]) -> Iterator[int]:
    """The descriptor of a regular file below ``folder``. Raises OSError."""
    path = folder.joinpath(*parts)
    above = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            below = os.open(part, _FOLDER, dir_fd=above)
            os.close(above)
            above = below
        file = os.open(parts[-1], _FILE, dir_fd=above)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        os.close(above)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(0, "not a regular file", str(path))
        yield file
    finally:
        os.close(file)


def identity_of(file: int) -> tuple[int, ...]:
    """What the file is: another one of the same name is another one. Raises OSError."""
    status = os.fstat(file)
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
