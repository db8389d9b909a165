"""One process as the kernel shows it. Its start ticks tell it from a later one with the same number."""

import os
from typing import Dict, Iterable, List, NamedTuple, Optional, Set

from workers.machine import procfs

ZOMBIES = frozenset("ZXx")


class ProcessRow(NamedTuple):
    """A line of the process table."""

    pid: int
    ticks: int  # when it started, clock ticks since boot
    parent: int
    group: int
    session: int
    state: str  # R, S, D, T, t, Z, …

    @property
    def alive(self) -> bool:
        return self.state not in ZOMBIES


def start_ticks(pid: int, proc: str = "/proc") -> Optional[int]:
    """When a process started, in clock ticks since boot; None when there is none to be seen."""
    line = procfs.read(f"{proc}/{pid}/stat") or b""
    words = line[line.rfind(b")") + 2 :].split(None, 20)
    return int(words[19]) if len(words) > 19 else None


def row(pid: int) -> Optional[ProcessRow]:
    """One process; None when there is none to be seen."""
    line = procfs.read(f"/proc/{pid}/stat") or b""
    words = line[line.rfind(b")") + 2 :].split(None, 20)
    if len(words) < 20:
        return None
    return ProcessRow(
        pid, int(words[19]), int(words[1]), int(words[2]), int(words[3]), words[0].decode("ascii")
    )


def table() -> Dict[int, ProcessRow]:
    """All processes that can be seen."""
    found: Dict[int, ProcessRow] = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return found
    for name in names:
        if name.isdigit():
            process = row(int(name))
            if process is not None:
                found[process.pid] = process
    return found


def descendants(roots: Iterable[int], among: Dict[int, ProcessRow]) -> List[ProcessRow]:
    """All children of these processes, and theirs; parents before children, each once."""
    children: Dict[int, List[ProcessRow]] = {}
    for process in among.values():
        children.setdefault(process.parent, []).append(process)
    seen: Set[int] = set(roots)
    found: List[ProcessRow] = []
    waiting = list(seen)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child.pid not in seen:
                seen.add(child.pid)
                found.append(child)
                waiting.append(child.pid)
    return found


def exit_status(pid: int) -> Optional[int]:
    """The wait status of a zombie of ours, from its line in /proc; None when it is none."""
    line = procfs.read(f"/proc/{pid}/stat") or b""
    words = line[line.rfind(b")") + 2 :].split()
    if len(words) < 50 or words[0] != b"Z":
        return None
    return int(words[49])


def variable(pid: int, name: str) -> Optional[str]:
    """A variable of a process's first environment; None where it has none or it cannot be read."""
    wanted = name.encode("ascii") + b"="
    for entry in (procfs.read(f"/proc/{pid}/environ") or b"").split(b"\0"):
        if entry.startswith(wanted):
            return entry[len(wanted) :].decode("utf-8", "replace")
    return None


def wait_channel(pid: int) -> str:
    """The kernel function a process waits in; "" where unknown."""
    found = procfs.text(f"/proc/{pid}/wchan") or ""
    return "" if found == "0" else found
