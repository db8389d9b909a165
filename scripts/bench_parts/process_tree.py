"""What a program costs: CPU and memory of a process and everything below it, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def process_count() -> int:
    """Processes of this machine, threads not counted."""
    return sum(name.isdigit() for name in os.listdir("/proc"))


def cpu_s(root: int) -> float:
    """Seconds of CPU the tree used so far, those of its ended and reaped children included."""
    ticks = 0
    for pid in tree(root):
        fields = _stat(pid)
        ticks += sum(map(int, fields[11:15])) if fields else 0  # utime, stime, cutime, cstime
    return ticks / _TICKS_PER_S


def memory_bytes(root: int, measure: str = "Pss") -> int:
    """Of the tree. ``Pss``: shared pages are divided among those who share them; ``Rss``: they count full."""
    total = 0
    for pid in tree(root):
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(text.split(f"\n{measure}:")[1].split()[0]) * 1024
    return total


def tree(root: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        fields = _stat(int(name)) if name.isdigit() else None
        if fields:
            children.setdefault(int(fields[1]), []).append(int(name))
    found, new = [], [root]
    while new:
        found += new
        new = [child for parent in new for child in children.get(parent, [])]
    return found


def _stat(pid: int) -> list[str] | None:
    """The fields after the name, the state first; None for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
