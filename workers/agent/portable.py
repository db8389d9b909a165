"""The same readings by psutil, for a system without /proc (macOS). Costs ten times as much."""

import os
import time
from typing import Any, Dict, List, Optional, Tuple

from workers.agent.mounts import Mount
from workers.agent.processes import Facts, ProcessReader, Reading
from workers.agent.rates import Deltas
from workers.agent.site_packages import psutil
from workers.protocol import DeviceRate, Host, Memory, NetworkRate, Process, ProcessDetails

_MICROSECONDS = 1_000_000
_STATES = {
    "running": "R",
    "sleeping": "S",
    "idle": "I",
    "stopped": "T",
    "zombie": "Z",
    "disk-sleep": "D",
}


def available() -> bool:
    """Whether psutil is there."""
    return psutil() is not None


def _psutil() -> Any:
    module = psutil()
    if module is None:
        raise LookupError("this node's Python has no psutil")
    return module


class PortableHostReader:
    """As ``HostReader``. What the system does not have stays None."""

    def __init__(self) -> None:
        self._psutil = _psutil()
        self._network = Deltas()
        self._devices = Deltas()
        self._times: Any = None
        self._core_times: List[Any] = []

    def read(self, full: bool = False, process_count: Optional[int] = None) -> Host:
        """A reading of the machine; rates are over the time since the one before."""
        shares = self._shares()
        return Host(
            cpu_percent=None if shares is None else 100.0 - shares.get("idle", 0.0),
            core_percents=self._cores() if full else (),
            user_percent=None if shares is None else shares.get("user"),
            system_percent=None if shares is None else shares.get("system"),
            load=tuple(os.getloadavg()),
            memory=self._memory(),
            network=self._network_rates(),
            devices=self._device_rates(),
            uptime_s=time.time() - self._psutil.boot_time(),
            users=tuple(sorted({user.name for user in self._psutil.users()})),
            process_count=process_count,
        )

    def _shares(self) -> Optional[Dict[str, float]]:
        before, self._times = self._times, self._psutil.cpu_times()
        return _shares(before, self._times)

    def _cores(self) -> Tuple[float, ...]:
        before, self._core_times = self._core_times, self._psutil.cpu_times(percpu=True)
        shares = [_shares(then, now) for then, now in zip(before, self._core_times)]
        return tuple([100.0 - share["idle"] if share else 0.0 for share in shares])

    def _memory(self) -> Memory:
        memory, swap = self._psutil.virtual_memory(), self._psutil.swap_memory()
        return Memory(
            total_bytes=memory.total,
            used_bytes=memory.total - memory.available,
            available_bytes=memory.available,
            cached_bytes=getattr(memory, "cached", None),
            swap_total_bytes=swap.total,
            swap_used_bytes=swap.used,
        )

    def _network_rates(self) -> Tuple[NetworkRate, ...]:
        found = self._psutil.net_io_counters(pernic=True) or {}
        counters = {str(name): (each.bytes_recv, each.bytes_sent) for name, each in found.items()}
        rows: List[NetworkRate] = []
        for name, rate in self._network.since(counters).items():
            received, sent = rate or (None, None)
            rows.append(NetworkRate(name, received, sent))
        return tuple(row for row in rows if row.interface != "lo0")

    def _device_rates(self) -> Tuple[DeviceRate, ...]:
        found = self._psutil.disk_io_counters(perdisk=True) or {}
        counters = {str(name): (each.read_bytes, each.write_bytes) for name, each in found.items()}
        rows: List[DeviceRate] = []
        for name, rate in self._devices.since(counters).items():
            read, written = rate or (None, None)
            rows.append(DeviceRate(name, read, written, None))
        return tuple(rows)


def _shares(before: Any, present: Any) -> Optional[Dict[str, float]]:
    if before is None:
        return None
    spent = {name: getattr(present, name) - getattr(before, name) for name in present._fields}
    whole = sum(max(0.0, part) for part in spent.values())
    return {name: 100.0 * part / whole for name, part in spent.items()} if whole > 0 else None


class PortableProcessReader(ProcessReader):
    """As ``ProcessReader``. Start ticks are microseconds of the kernel's own start time."""

    def __init__(self) -> None:
        super().__init__()
        self._psutil = _psutil()
        self._hertz = _MICROSECONDS
        self._booted_at = 0.0

    def start_ticks(self, pid: int) -> Optional[int]:
        """When the process started, None when there is none."""
        try:
            return int(self._psutil.Process(pid).create_time() * _MICROSECONDS)
        except (self._psutil.Error, OSError):
            return None

    def _listed(self) -> List[str]:
        return [str(pid) for pid in self._psutil.pids()]

    def _read(self, name: str, elapsed_s: Optional[float]) -> Optional[Reading]:
        try:
            process = self._psutil.Process(int(name))
            with process.oneshot():
                return self._reading(process, elapsed_s)
        except (self._psutil.Error, OSError):
            return None

    def _reading(self, process: Any, elapsed_s: Optional[float]) -> Reading:
        start_ticks = int(process.create_time() * _MICROSECONDS)
        times = self._allowed(process.cpu_times)
        used = 0 if times is None else int((times.user + times.system) * _MICROSECONDS)
        memory = self._allowed(process.memory_info)
        before = self._readings.get(process.pid)
        percent = None
        if elapsed_s and times and before is not None and before.start_ticks == start_ticks:
            percent = max(0.0, 100.0 * (used - before.cpu_ticks) / _MICROSECONDS / elapsed_s)
        return Reading(
            start_ticks,
            used,
            percent,
            None if memory is None else memory.rss,
            self._allowed(process.num_threads),
            process.ppid(),
            _STATES.get(process.status(), "?"),
            process.name(),
            0,
            b"",
        )

    def _allowed(self, read: Any) -> Any:
        try:
            return read()
        except self._psutil.AccessDenied:
            return None

    def _facts_of(self, pid: int, reading: Reading) -> Facts:
        now = time.monotonic()
        facts = self._facts.get(pid)
        if facts is None or not facts.holds(reading, now):
            process = self._psutil.Process(pid) if self._psutil.pid_exists(pid) else None
            command = self._allowed(process.cmdline) if process else None
            user = self._allowed(process.username) if process else None
            words = " ".join(command or ())
            facts = Facts(reading.start_ticks, reading.name, words, user or "n/a", now)
            self._facts[pid] = facts
        return facts


def details(process: Process) -> ProcessDetails:
    """As ``details.describe`` for a process that is known to be the one that was meant."""
    target = _psutil().Process(process.pid)
    missing: List[str] = []

    def get(what: str, name: str) -> Any:
        try:
            return getattr(target, name)()
        except Exception as error:
            missing.append(f"{what}: {str(error) or type(error).__name__}")
            return None

    files, switches = get("open files", "open_files"), get("context switches", "num_ctx_switches")
    return ProcessDetails(
        process=process,
        executable=get("executable", "exe"),
        directory=get("directory", "cwd"),
        open_files=None if files is None else tuple([file.path for file in files]),
        nice=get("nice", "nice"),
        context_switches=None if switches is None else switches.voluntary + switches.involuntary,
        missing=tuple(missing),
    )


def mounts() -> Tuple[Mount, ...]:
    """The mounted disks."""
    found: List[Mount] = []
    for entry in _psutil().disk_partitions(all=False):
        try:
            device = os.stat(entry.mountpoint).st_dev
        except OSError:
            continue
        number = (os.major(device), os.minor(device))
        found.append(Mount(number, "/", entry.mountpoint, entry.fstype, entry.device))
    return tuple(found)
