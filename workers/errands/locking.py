"""One job at a time in a destination, and never an old one after a new one.

``D/.quarterdeck/lock`` is held (``flock``) as long as the program lives; ``D/.quarterdeck/fence.json`` is the
highest fencing number that was ever let in. Who holds the lock says so in it, for the message of who waits.
"""

import fcntl
import json
import os
import time
from typing import Any, Dict, Optional

from workers.errands.below import real_root
from workers.errands.faults import ErrandFailed
from workers.errands.small_files import read_small, write_small
from workers.errands.translate import of_os
from workers.ledger.names import MARKER, OWN

_LOCK = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY


class Lock:
    """Held from the moment it is made until ``release``. Raises ErrandFailed busy, fenced; OSError."""

    def __init__(self, destination: str, fence: int, holder: str) -> None:
        self.destination = real_root(destination)
        self.fence = fence
        own = os.path.join(self.destination, OWN)
        os.makedirs(own, mode=0o700, exist_ok=True)
        self._file = os.open(os.path.join(own, "lock"), _LOCK, 0o600)
        try:
            self._take()
            self._pass(os.path.join(own, "fence.json"))
            _say(self._file, {"holder": holder, "fence": fence, "since": time.time()})
            marker = os.path.join(self.destination, MARKER)
            if not os.path.exists(marker):
                write_small(marker, b'{"schema":1}\n', 0o600)
        except BaseException:
            os.close(self._file)
            raise

    def release(self) -> None:
        os.close(self._file)

    def _take(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = f"{self.destination}: another job is at work there: {_who(self._file)}"
            raise ErrandFailed("busy", text) from None

    def _pass(self, path: str) -> None:
        newest = _fence(path)
        if newest is not None and newest > self.fence:
            text = f"{self.destination}: a newer job has been there (fence {newest}, ours {self.fence})"
            raise ErrandFailed("fenced", text)
        if newest != self.fence:
            body = json.dumps({"schema": 1, "fence": self.fence}).encode("ascii")
            write_small(path, body + b"\n", 0o600)


def _fence(path: str) -> Optional[int]:
    try:
        found = json.loads(read_small(path))["fence"]
        if type(found) is not int:
            raise ValueError
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        text = f"{path}: not readable as a fence; if no job runs, remove it"
        raise ErrandFailed("failed", text) from None
    except OSError as error:
        raise of_os(error, path) from None
    return found


def _say(file: int, body: Dict[str, Any]) -> None:
    data = json.dumps(body).encode("ascii") + b"\n"
    os.ftruncate(file, 0)
    os.pwrite(file, data, 0)


def _who(file: int) -> str:
    try:
        found = json.loads(os.pread(file, 4096, 0))
        minutes = max(0.0, time.time() - found["since"]) / 60
        return f"{str(found['holder'])[:200]}, since {minutes:.0f} min"
    except (OSError, ValueError, KeyError, TypeError):
        return "it does not say who it is"
