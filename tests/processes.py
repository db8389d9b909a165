"""Finding and ending the processes a test started, by pid only."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path


def descendants(pid: int, deep: bool = True) -> list[int]:
    """Children of `pid` that live, and theirs when deep; parents first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (status := _status(int(entry.name))) and status[1] != "Z":
            children.setdefault(status[0], []).append(int(entry.name))
    found = list(children.get(pid, ()))
    for child in found:
        if deep:
            found.extend(children.get(child, ()))
    return found


def command_of(pid: int) -> list[bytes]:
    """The words of its command line; none of one that is gone."""
    return _strings(pid, "cmdline")


def environment_of(pid: int) -> list[bytes]:
    """`NAME=value` as it began with; none of one that is gone or another's."""
    return _strings(pid, "environ")


def alive(pid: int) -> bool:
    """True while the process runs (a zombie does not)."""
    status = _status(pid)
    return status is not None and status[1] != "Z"


def stop_all(pids: Iterable[int], first: int = signal.SIGTERM, patience_s: float = 3.0) -> None:
    """Signals each, and kills those that are still there after `patience_s`."""
    waiting = list(pids)
    for pid in waiting:
        _signal(pid, first)
    deadline = time.monotonic() + patience_s
    while (waiting := [pid for pid in waiting if alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in waiting:
        _signal(pid, signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _strings(pid: int, file: str) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes().split(b"\0")[:-1]
    except OSError:
        return []


def _status(pid: int) -> tuple[int, str] | None:
    """(parent, state) of a process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    state, parent = stat.rpartition(")")[2].split()[:2]
    return int(parent), state
