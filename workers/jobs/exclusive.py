"""One job of a kind at a time on a folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workers.jobs.errors import Refused


@contextmanager
def one_at_a_time(folder: Path, name: str) -> Iterator[None]:
    """Raises Refused where another job of this name is at work on the folder; OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    file = os.open(folder / f"{name}.lock", flags, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise Refused(f"{folder}: another {name} is under way; nothing was done") from None
    try:
        yield
    finally:
        os.close(file)
