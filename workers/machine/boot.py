"""Which boot and which PID namespace this is, and the clock that a suspend does not stop."""

import os
import time
from typing import Optional

from workers.machine import procfs

_boot_id = ""  # no process outlives its boot


def boot_id() -> str:
    """The kernel's name for this boot; "" where there is none. Read once."""
    global _boot_id
    if not _boot_id:
        _boot_id = procfs.text("/proc/sys/kernel/random/boot_id") or ""
    return _boot_id


def pid_namespace() -> int:
    """Inode number of the PID namespace; 0 where there is none."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return 0


def boottime() -> float:
    """Seconds since boot, suspended time included where the system counts it."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def booted_at(proc: str = "/proc") -> Optional[float]:
    """Wall clock of the boot in seconds, as the kernel reckons it now."""
    content = procfs.read(proc + "/stat") or b""
    start = content.find(b"\nbtime ")
    try:
        return float(content[start + 7 :].split(None, 1)[0]) if start >= 0 else None
    except (ValueError, IndexError):
        return None
