"""One training at a time for one mirror."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from workers.jobs.errors import Refused
from workers.jobs.train.orders import Orders


@contextmanager
def held(orders: Orders) -> Iterator[None]:
    """The lock of a mirror; ours as long as this process lives. Raises Refused where another has it, OSError."""
    key = hashlib.blake2b(f"{orders.distro}:{orders.fast}".encode(), digest_size=8).hexdigest()
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    folder = base / "quarterdeck" / "train"
    if sys.platform == "win32":
        folder = Path(tempfile.gettempdir()) / "quarterdeck-train"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(folder / f"{key}.lock", "a", encoding="utf-8") as file:
        if not _take(file):
            raise Refused(f"{orders.fast}: another training uses this mirror; nothing was moved")
        yield


def _take(file: IO[str]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
