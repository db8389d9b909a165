"""One process as the kernel shows it. Its start ticks tell it from a later one with the same number."""

from typing import Optional

from workers.machine import procfs


def start_ticks(pid: int, proc: str = "/proc") -> Optional[int]:
    """When a process started, in clock ticks since boot; None when there is none to be seen."""
    line = procfs.read(f"{proc}/{pid}/stat") or b""
    words = line[line.rfind(b")") + 2 :].split(None, 20)
    return int(words[19]) if len(words) > 19 else None
