"""The pairs of other runs: a job that starts runs has them among its descendants, and must not end them."""

import os
from typing import FrozenSet, Iterable, Set, Tuple

from workers.machine import procfs
from workers.machine.process import ProcessRow
from workers.supervisor.holder import holder
from workers.supervisor.launch import NAME
from workers.supervisor.paths import LOCK

_ENDING = NAME.encode() + b"\0"


def pairs_of_others(rows: Iterable[ProcessRow], folder: str) -> FrozenSet[int]:
    """Those of ``rows`` that hold a run beside the one in ``folder``. A name alone makes nobody a pair: the
    lock of the run must say so too."""
    named = {(row.pid, row.ticks) for row in rows if _has_the_name(row.pid)}
    if not named:
        return frozenset()
    return frozenset(pid for pid, _ in named & _holders(folder))


def _has_the_name(pid: int) -> bool:
    return (procfs.read(f"/proc/{pid}/cmdline") or b"").endswith(_ENDING)


def _holders(folder: str) -> Set[Tuple[int, int]]:
    found: Set[Tuple[int, int]] = set()
    runs, own = os.path.split(folder)
    try:
        names = os.listdir(runs)
    except OSError:
        return found
    for name in names:
        held = holder(os.path.join(runs, name, LOCK)) if name != own else None
        found.update((keeper.pid, keeper.ticks) for keeper in (held.keepers if held else ()))
    return found
