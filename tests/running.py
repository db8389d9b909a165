"""Everything that runs for a home of a test's own: workers, their supervisors, agents. Found by what they hold."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.processes import alive, environment_of

_TOLD = b"QD_RUN_DIR="


def runs_below(folder: Path) -> list[int]:
    """Processes that were told a run directory below `folder`: workers and what they started."""
    return [pid for pid in _others() if _told(pid, os.fsencode(folder))]


def holders_below(folder: Path) -> list[int]:
    """Processes with an open file below `folder`: supervisors hold their run's lock."""
    return [pid for pid in _others() if _holds(pid, str(folder))]


def sweep(folder: Path, within_s: float = 15.0) -> None:
    """Ends all of them, and fails where one cannot be ended."""
    deadline = time.monotonic() + within_s
    empty = 0
    while empty < 3:
        found = [pid for pid in {*runs_below(folder), *holders_below(folder)} if alive(pid)]
        empty = 0 if found else empty + 1
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in found:
                try:
                    os.kill(pid, number)
                except OSError:
                    pass
        assert time.monotonic() < deadline, f"still alive: {found}"
        time.sleep(0.02)


def _others() -> list[int]:
    own = os.getpid()
    names = (entry.name for entry in os.scandir("/proc"))
    return [int(name) for name in names if name.isdigit() and int(name) != own]


def _told(pid: int, folder: bytes) -> bool:
    told = (word[len(_TOLD) :] for word in environment_of(pid) if word.startswith(_TOLD))
    return any(word.startswith(folder) for word in told)


def _holds(pid: int, folder: str) -> bool:
    try:
        links = [os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")]
    except OSError:
        return False
    return any(link.startswith(folder + "/") for link in links)
