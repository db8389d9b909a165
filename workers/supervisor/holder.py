"""Who takes care of a run: written into its lock file, so that others can name them and poke them."""

import json
import os
import signal
from typing import NamedTuple, Optional, Tuple

from workers.machine import boot, pidfd
from workers.machine.process import start_ticks
from workers.protocol import ProtocolError, decode, plain
from workers.supervisor import storage

GUARDIAN, SHIM = "guardian", "shim"


class Keeper(NamedTuple):
    """One process of the pair."""

    role: str
    pid: int
    ticks: int
    inode: Optional[int] = None  # of its pidfd, where those have one

    def is_held_by(self, held: Optional[int]) -> bool:
        """Whether the process behind a pidfd of its number is this one."""
        if held is not None and self.inode:
            return pidfd.inode(held) == self.inode
        return start_ticks(self.pid) == self.ticks


class Holder(NamedTuple):
    keepers: Tuple[Keeper, ...] = ()
    boot_id: str = ""
    namespace: int = 0


def process_of(role: str, pid: int) -> Keeper:
    """This process, or a parent that waits for it."""
    inode = 0
    try:
        held = pidfd.open_process(pid)
        if held is not None:
            inode = pidfd.inode(held)
            os.close(held)
    except OSError:
        pass
    return Keeper(role, pid, start_ticks(pid) or 0, inode or None)


def sign(lock: int, keepers: Tuple[Keeper, ...]) -> None:
    """Writes into the lock file, held as a descriptor, who holds it. A full disk is no reason to fail."""
    body = plain(Holder(keepers, boot.boot_id(), boot.pid_namespace()))
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps(body).encode("ascii"), 0)
    except OSError:
        pass


def touch(lock: int) -> None:
    """A sign of life: the lock file's time."""
    try:
        os.utime(lock)
    except OSError:
        pass


def last_seen(path: str) -> Optional[float]:
    """When a holder last showed itself, by the wall clock; None where there never was one."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime


def holder(path: str) -> Optional[Holder]:
    """Who signed the lock last, alive or not; None where nobody did."""
    try:
        found: Holder = decode(Holder, json.loads(storage.read_file(path)))
    except (OSError, ValueError, ProtocolError):
        return None
    return found


def poke(path: str) -> int:
    """Tells the pair to look at ``desired.json`` now; how many heard it. They look every 2 s anyhow."""
    found = holder(path)
    if found is None or (found.boot_id, found.namespace) != (boot.boot_id(), boot.pid_namespace()):
        return 0
    heard = 0
    for keeper in found.keepers:
        try:
            heard += pidfd.send_if(keeper.pid, signal.SIGHUP, keeper.is_held_by)
        except OSError:
            continue
    return heard
