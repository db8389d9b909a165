"""Processes that carry a token of this node: whose they are, whether or not a record still says so."""

import os
from typing import Dict, List, NamedTuple, Optional, Tuple

from workers import contract
from workers.machine import process, procfs

_ENVIRONMENT_BYTES = 2 * 1024 * 1024


class Marked(NamedTuple):
    """One process and what the contract told it when it was started."""

    pid: int
    ticks: int
    parent: int
    session: int
    run_id: str
    name: str
    run_folder: str
    attempt_folder: str


def marked(node_key: str, proc: str = "/proc") -> Dict[str, List[Marked]]:
    """run id → its processes, of our own uid and this node key only; zombies excepted."""
    found: Dict[str, List[Marked]] = {}
    try:
        names = os.listdir(proc)
    except OSError:
        return found
    for name in names:
        one = _look(int(name), node_key, proc) if name.isdigit() else None
        if one is not None:
            found.setdefault(one.run_id, []).append(one)
    return found


def main_of(family: List[Marked]) -> Marked:
    """The process the others come from: nobody of the family is its parent; the first of several."""
    pids = {one.pid for one in family}
    tops = [one for one in family if one.parent not in pids]
    return min(tops or family, key=lambda one: (one.session != one.pid, one.ticks, one.pid))


def _look(pid: int, node_key: str, proc: str) -> Optional[Marked]:
    try:
        if os.stat(f"{proc}/{pid}").st_uid != os.geteuid():
            return None
    except OSError:
        return None
    content = procfs.read(f"{proc}/{pid}/environ", _ENVIRONMENT_BYTES)
    if not content or contract.TOKEN.encode() not in content:
        return None
    variables = _variables(content)
    key, _, run_id = variables.get(contract.TOKEN, "").partition(":")
    row = process.row(pid)
    if key != node_key or not run_id or row is None or not row.alive:
        return None
    return Marked(
        pid,
        row.ticks,
        row.parent,
        row.session,
        run_id,
        variables.get(contract.WORKER, ""),
        variables.get(contract.RUN_DIR, ""),
        os.path.dirname(variables.get(contract.STATUS, "")),
    )


def _variables(content: bytes) -> Dict[str, str]:
    entries = (os.fsdecode(entry).partition("=") for entry in content.split(b"\0"))
    return {name: value for name, _, value in entries if name in contract.NAMES}


def argv_of(pid: int, proc: str = "/proc") -> Tuple[str, ...]:
    """The command line of a process; empty where it has none or it is hidden."""
    content = procfs.read(f"{proc}/{pid}/cmdline", 256 * 1024) or b""
    return (
        tuple(os.fsdecode(word) for word in content.rstrip(b"\0").split(b"\0")) if content else ()
    )
