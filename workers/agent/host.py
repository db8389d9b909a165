"""The figures of the whole machine, read from /proc."""

import time
from typing import Optional, Tuple

from workers.agent import pressure, users
from workers.agent.cpu import CpuReader
from workers.agent.rates import DeviceReader, NetworkReader
from workers.machine import procfs
from workers.protocol import Host, Memory

_USERS_EVERY_S = 10.0


class HostReader:
    """Reads a ``Host``; rates and shares are over the time since the reading before.

    What cannot be read (a hidden or a container's /proc) is None or absent, never 0.
    """

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc
        self._cpu = CpuReader(proc)
        self._network = NetworkReader(proc)
        self._devices = DeviceReader(proc)
        self._users: Tuple[str, ...] = ()
        self._users_at: Optional[float] = None

    def read(self, full: bool = False, process_count: Optional[int] = None) -> Host:
        """``full`` adds the single cores and every inner interface and device."""
        cpu = self._cpu.read(full)
        return Host(
            cpu_percent=cpu.busy,
            core_percents=cpu.cores,
            user_percent=cpu.user,
            system_percent=cpu.system,
            iowait_percent=cpu.iowait,
            steal_percent=cpu.steal,
            load=read_load(self._proc),
            memory=read_memory(self._proc),
            pressure=pressure.read(self._proc),
            network=self._network.read(full),
            devices=self._devices.read(full),
            uptime_s=read_uptime(self._proc),
            users=self._logged_in(),
            process_count=process_count,
        )

    def _logged_in(self) -> Tuple[str, ...]:
        now = time.monotonic()
        if self._users_at is None or now - self._users_at >= _USERS_EVERY_S:
            self._users, self._users_at = users.logged_in(), now
        return self._users


def read_load(proc: str = "/proc") -> Optional[Tuple[float, ...]]:
    """Load averages over 1, 5 and 15 minutes."""
    words = (procfs.read(proc + "/loadavg") or b"").split()
    try:
        return tuple([float(word) for word in words[:3]]) if len(words) >= 3 else None
    except ValueError:
        return None


def read_uptime(proc: str = "/proc") -> Optional[float]:
    """Seconds since boot; of the container where its /proc says so."""
    words = (procfs.read(proc + "/uptime") or b"").split()
    try:
        return float(words[0]) if words else None
    except ValueError:
        return None


def read_memory(proc: str = "/proc") -> Memory:
    """Memory and swap in bytes. Used is total less available, as the kernel estimates it."""
    found = procfs.numbers(procfs.read(proc + "/meminfo") or b"")
    total, available = found.get(b"MemTotal"), found.get(b"MemAvailable")
    cached, swap = found.get(b"Cached"), found.get(b"SwapTotal")
    swap_free = found.get(b"SwapFree")
    return Memory(
        total_bytes=total,
        used_bytes=_difference(total, available),
        available_bytes=available,
        cached_bytes=None if cached is None else cached + found.get(b"SReclaimable", 0),
        swap_total_bytes=swap,
        swap_used_bytes=_difference(swap, swap_free),
    )


def _difference(whole: Optional[int], rest: Optional[int]) -> Optional[int]:
    return None if whole is None or rest is None else max(0, whole - rest)
