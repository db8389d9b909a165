"""Every process of a run: found by descent, by its control group and by the token it carries; ended as one."""

import os
import signal
import time
from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from workers import contract
from workers.machine import pidfd, process, tokens
from workers.machine.process import ProcessRow
from workers.supervisor import cgroup
from workers.supervisor.others import pairs_of_others

_SWEEP_S = 2.0  # a storm of forks is frozen long before
_Key = Tuple[int, int]


class Roots(NamedTuple):
    """Where a run's processes hang."""

    main: Optional[int]  # the main process, where it lives and is not our child
    ours: bool  # whether orphans of the run become children of this process
    group: str = ""  # folder of its own control group
    token: str = ""
    keepers: Tuple[int, ...] = ()  # the pair itself, which hangs in the same tree
    folder: str = ""  # of the run: the others lie beside it


class Tree:
    """The processes of one run, the pair's own excepted."""

    def __init__(self, roots: Roots) -> None:
        self.roots = roots

    def members(self, thorough: bool = False) -> List[ProcessRow]:
        """Those that live, zombies excepted. ``thorough`` also reads every environment for the token."""
        among = process.table()
        roots = [pid for pid in (self.roots.main,) if pid is not None]
        found: Dict[int, ProcessRow] = {pid: among[pid] for pid in roots if pid in among}
        starts = [*roots, os.getpid()] if self.roots.ours else roots
        marked = [pid for pid in self._marked(thorough) if pid in among]
        for row in self._below([*starts, *marked], among):
            found[row.pid] = row
        found.update((pid, among[pid]) for pid in marked)
        for pid in (os.getpid(), *self.roots.keepers):
            found.pop(pid, None)
        return [row for row in found.values() if row.alive]

    def _below(self, starts: List[int], among: Dict[int, ProcessRow]) -> List[ProcessRow]:
        """A job may start runs of its own: these have pairs that take care of them, and are not ours."""
        rows = process.descendants(starts, among)
        others = pairs_of_others(rows, self.roots.folder) if self.roots.folder else frozenset()
        if not others:
            return rows
        left = {pid: row for pid, row in among.items() if pid not in others}
        return process.descendants(starts, left)

    def _marked(self, thorough: bool) -> Set[int]:
        found = set(cgroup.members(self.roots.group)) if self.roots.group else set()
        if (thorough or not self.roots.ours) and self.roots.token:
            carried = tokens.carriers(contract.TOKEN)
            found.update(pid for pid, value in carried.items() if value == self.roots.token)
        return found

    def kill(self) -> List[int]:
        """SIGKILL to all; who was signalled.

        By the control group, which no fork escapes; and by stopping whoever is found until two scans
        agree, because a process that forks faster than it is found must stand still first.
        """
        if self.roots.group:
            cgroup.kill(self.roots.group)
        frozen = self._freeze()
        for row in frozen.values():
            signal_row(row, signal.SIGKILL)
        return sorted(row.pid for row in frozen.values())

    def _freeze(self) -> Dict[_Key, ProcessRow]:
        frozen: Dict[_Key, ProcessRow] = {}
        agreed, deadline = 0, time.monotonic() + _SWEEP_S
        while agreed < 2 and time.monotonic() < deadline:
            fresh = [row for row in self.members(thorough=True) if _key(row) not in frozen]
            agreed = 0 if fresh else agreed + 1
            for row in fresh:
                if signal_row(row, signal.SIGSTOP):
                    frozen[_key(row)] = row
        return frozen


def signal_row(row: ProcessRow, number: int) -> bool:
    """Signals the process of this row and no later one with its number; False where that was not possible.

    Two processes may start within one tick, but a stranger has neither this one's parent nor its session.
    """

    def is_meant(held: Optional[int]) -> bool:
        now = process.row(row.pid)
        if now is None or now.ticks != row.ticks:
            return False
        return now.parent == row.parent or now.session == row.session

    try:
        return pidfd.send_if(row.pid, number, is_meant)
    except OSError:
        return False


def survivors(rows: Iterable[ProcessRow]) -> Tuple[str, ...]:
    """Who outlived SIGKILL and where it hangs: "4711 in D state (ext4_sync)"."""
    found = []
    for row in rows:
        now = process.row(row.pid)
        if now is not None and now.ticks == row.ticks and now.alive:
            place = process.wait_channel(row.pid)
            found.append(f"{row.pid} in {now.state} state" + (f" ({place})" if place else ""))
    return tuple(sorted(found))


def _key(row: ProcessRow) -> _Key:
    return row.pid, row.ticks
