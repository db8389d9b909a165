"""A control group of one attempt, where a v2 hierarchy lets us make one. Nothing depends on it being there."""

import os
from typing import List, Optional

from workers.machine import procfs

PREFIX = "qd-"  # of an attempt's group


def own_group(proc: str = "/proc/self") -> Optional[str]:
    """The folder of this process's v2 group; None where there is no such hierarchy."""
    path = _path_of("", proc)
    root = _mounted("cgroup2", "")
    if path is None or root is None or "/.." in path:
        return None
    return os.path.normpath(root + path)


def make(name: str) -> Optional[str]:
    """A fresh group below our own; None where that is not allowed."""
    parent = own_group()
    if parent is None:
        return None
    folder = os.path.join(parent, name)
    try:
        os.mkdir(folder, 0o755)
    except FileExistsError:
        return folder
    except OSError:
        return None
    return folder


def leave_attempt() -> None:
    """Out of the group of the attempt that this process was started in, up to where that was made."""
    own = own_group()
    if own is not None and os.path.basename(own).startswith(PREFIX):
        enter(os.path.dirname(own), os.getpid())


def enter(folder: str, pid: int) -> bool:
    """Moves a process there; False where the kernel refuses."""
    return _write(os.path.join(folder, "cgroup.procs"), b"%d" % pid)


def kill(folder: str) -> bool:
    """SIGKILL to all that is in it, forks in flight included (Linux 5.14); False where it cannot be done."""
    return _write(os.path.join(folder, "cgroup.kill"), b"1")


def members(folder: str) -> List[int]:
    """The processes in it, zombies included."""
    content = procfs.read(os.path.join(folder, "cgroup.procs")) or b""
    return [int(word) for word in content.split() if word.isdigit()]


def remove(folder: str) -> None:
    """Takes an empty group away; one that is not empty stays."""
    try:
        os.rmdir(folder)
    except OSError:
        pass


class OomCounter:
    """How often the kernel killed for want of memory where a process lives; compared at its end.

    The counter of its own memory group where it has one, of v2 or v1; else of the whole machine. Others live
    there too: only what was counted shortly before the end counts, so ``look`` is called every few seconds.
    """

    def __init__(self, pid: int) -> None:
        self._path = _memory_events(pid)
        self._before = self._latest = self._read()

    def look(self) -> None:
        """Forgets what was counted before the last look: a dying process may take seconds to be gone."""
        self._before, self._latest = self._latest, self._read()

    def grew(self) -> bool:
        """True where the counter is higher than it was at the last look but one, or at the start."""
        now = self._read()
        return now is not None and self._before is not None and now > self._before

    def _read(self) -> Optional[int]:
        for line in (procfs.read(self._path) or b"").splitlines():
            words = line.split()
            if len(words) == 2 and words[0] == b"oom_kill" and words[1].isdigit():
                return int(words[1])
        return None


def _memory_events(pid: int) -> str:
    proc = f"/proc/{pid}"
    path = _path_of("memory", proc)
    root = _mounted("cgroup", "memory")
    if root is not None and path not in (None, "/"):
        return f"{root}{path}/memory.oom_control"
    path = _path_of("", proc)
    root = _mounted("cgroup2", "")
    while root is not None and path not in (None, "/", ""):
        found = f"{root}{path}/memory.events"
        if os.path.exists(found):  # the controller may be switched on higher up only
            return found
        path = os.path.dirname(path or "")
    return "/proc/vmstat"


def _path_of(controller: str, proc: str) -> Optional[str]:
    """Where a process is: in the v1 hierarchy of a controller, or ("") in v2."""
    for line in (procfs.text(f"{proc}/cgroup") or "").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controller in controllers.split(",") and (controller or number == "0"):
            return path
    return None


def _mounted(kind: str, option: str) -> Optional[str]:
    for line in (procfs.text("/proc/self/mountinfo") or "").splitlines():
        fields = line.split()
        after = fields.index("-") if "-" in fields else len(fields)
        if fields[after + 1 : after + 2] != [kind] or len(fields) < after + 4:
            continue
        if not option or option in fields[after + 3].split(","):
            return fields[4]
    return None


def _write(path: str, data: bytes) -> bool:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(file, data)
        finally:
            os.close(file)
    except OSError:
        return False
    return True
