"""Processes by a variable of their environment: found whoever their parent is."""

import os
from typing import Dict, Tuple

from workers.machine import procfs


def carriers(name: str, proc: str = "/proc") -> Dict[int, str]:
    """pid → value, of every process that was started with the variable ``name`` and lets us look."""
    wanted = name.encode() + b"="
    found: Dict[int, str] = {}
    for pid, environment in _environments(proc):
        for entry in environment.split(b"\0") if wanted in environment else ():
            if entry.startswith(wanted):
                found[pid] = entry[len(wanted) :].decode("utf-8", "surrogateescape")
                break
    return found


def _environments(proc: str) -> "Tuple[Tuple[int, bytes], ...]":
    found = []
    for name in os.listdir(proc):
        environment = procfs.read(f"{proc}/{name}/environ") if name.isdigit() else None
        if environment:
            found.append((int(name), environment))
    return tuple(found)
