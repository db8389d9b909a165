"""Lock files of the programs themselves: stale ones are known by the identity of the process they name."""

import fcntl
import json
import os
import stat
from typing import List, NamedTuple, Optional, Tuple

from workers.machine.boot import booted_at
from workers.machine.process import start_ticks
from workers.protocol import WorkerSpec

_LIMIT_BYTES = 4096
_SLACK_S = 2.0  # a clock of the file system may lag behind
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class StaleLock(NamedTuple):
    path: str
    why: str
    identity: Tuple[int, int, int]  # device, inode, time of change: this very file
    pid: Optional[int] = None


def stale(spec: WorkerSpec) -> List[StaleLock]:
    """Those lock files of a program whose process is gone."""
    found = (judge(path) for path in spec.lock_files)
    return [lock for lock in found if lock is not None]


def judge(path: str) -> Optional[StaleLock]:
    """Why this file holds nobody back any more; None where it may, where there is none, or none can tell."""
    try:
        file = os.open(path, _READ)
    except OSError:
        return None
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or _held(file):
            return None
        pid = pid_in(os.read(file, _LIMIT_BYTES))
    except OSError:
        return None
    finally:
        os.close(file)
    why = None if pid is None else _why(pid, status.st_mtime)
    if why is None:
        return None
    return StaleLock(path, why, (status.st_dev, status.st_ino, status.st_mtime_ns), pid)


def pid_in(content: bytes) -> Optional[int]:
    """The process a lock file names: a number, or JSON with ``pid`` made on this host."""
    text = content.decode("utf-8", "replace").strip()
    first = text.partition("\n")[0].strip()
    if first.isdigit() and len(first) < 10:
        return int(first)
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if type(body) is not dict or type(body.get("pid")) is not int:
        return None
    host = body.get("host", body.get("hostname"))
    if host is not None and host != os.uname().nodename:
        return None  # several nodes may share this folder
    return body["pid"] if body["pid"] > 0 else None


def clear(lock: StaleLock) -> str:
    """Removes it if it is still that very file and still stale; else why not."""
    now = judge(lock.path)
    if now is None or now.identity != lock.identity:
        return f"{lock.path} has changed since: nothing was removed"
    os.unlink(lock.path)
    return ""


def _why(pid: int, written_at: float) -> Optional[str]:
    ticks = start_ticks(pid)
    if ticks is None:
        return f"process {pid}, which wrote it, is gone"
    booted = booted_at()
    if booted is None:
        return None
    started_at = booted + ticks / os.sysconf("SC_CLK_TCK")
    if started_at <= written_at + _SLACK_S:
        return None
    return f"process {pid} has started after it was written: another one has that number now"


def _held(file: int) -> bool:
    """Whether a living process holds it by flock, whatever it says inside."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False
