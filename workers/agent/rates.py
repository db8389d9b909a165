"""Bytes per second of network interfaces and disk devices, from the kernel's counters."""

import os
import time
from typing import Container, Dict, List, Mapping, Optional, Tuple

from workers.machine import procfs
from workers.protocol import DeviceRate, NetworkRate

# What these carry is counted once more on a real interface or device, or never leaves the machine.
_INNER_INTERFACES = (
    "lo",
    "veth",
    "docker",
    "br-",
    "cali",
    "cni",
    "flannel",
    "virbr",
    "vnet",
    "tap",
)
_INNER_DEVICES = ("loop", "ram", "zram", "dm-", "md", "nbd", "sr", "fd")
_SECTOR_BYTES = 512  # of /proc/diskstats, whatever the device's own sector is
_SUMMARY_ROWS = 8

_Counters = Mapping[str, Tuple[int, ...]]


class Deltas:
    """The previous counters by name, and what came since, per second."""

    def __init__(self) -> None:
        self._at = 0.0
        self._previous: _Counters = {}

    def since(self, counters: _Counters) -> Dict[str, Optional[Tuple[float, ...]]]:
        """Per second and name; None for a name not seen before or whose counters were reset."""
        now = time.monotonic()
        elapsed_s, self._at = now - self._at, now
        before, self._previous = self._previous, counters
        rates: Dict[str, Optional[Tuple[float, ...]]] = {}
        for name, values in counters.items():
            steps = [new - old for new, old in zip(values, before.get(name, ()))]
            usable = bool(steps) and min(steps) >= 0 and elapsed_s > 0
            rates[name] = tuple(step / elapsed_s for step in steps) if usable else None
        return rates


class NetworkReader:
    """Rates of the network interfaces; inner ones (bridges, pairs, loopback) only on ``full``."""

    def __init__(self, proc: str = "/proc") -> None:
        self._path = proc + "/net/dev"
        self._deltas = Deltas()

    def read(self, full: bool = False) -> Tuple[NetworkRate, ...]:
        counters = parse_interfaces(procfs.read(self._path) or b"")
        rows: List[NetworkRate] = []
        for name, rate in self._deltas.since(counters).items():
            if full or not name.startswith(_INNER_INTERFACES):
                received, sent = rate or (None, None)
                rows.append(NetworkRate(name, received, sent))
        if full or len(rows) <= _SUMMARY_ROWS:
            return tuple(rows)
        rows.sort(key=lambda row: (row.received_bytes_per_s or 0) + (row.sent_bytes_per_s or 0))
        return tuple(rows[-_SUMMARY_ROWS:])


class DeviceReader:
    """Rates of whole disk devices; stacked and memory devices only on ``full``."""

    def __init__(self, proc: str = "/proc", blocks: str = "/sys/block") -> None:
        self._path = proc + "/diskstats"
        self._blocks = blocks
        self._deltas = Deltas()

    def read(self, full: bool = False) -> Tuple[DeviceRate, ...]:
        counters = parse_devices(procfs.read(self._path) or b"", self._whole_devices())
        rows: List[DeviceRate] = []
        for name, rate in self._deltas.since(counters).items():
            if full or not name.startswith(_INNER_DEVICES):
                read, written, busy = rate or (None, None, None)
                percent = None if busy is None else min(100.0, busy / 10.0)  # ms per s
                rows.append(DeviceRate(name, read, written, percent))
        if full or len(rows) <= _SUMMARY_ROWS:
            return tuple(rows)
        rows.sort(key=lambda row: row.busy_percent or 0.0)
        return tuple(rows[-_SUMMARY_ROWS:])

    def _whole_devices(self) -> Optional[Container[str]]:
        try:
            return frozenset(os.listdir(self._blocks))
        except OSError:
            return None


def parse_interfaces(content: bytes) -> _Counters:
    """Bytes received and sent by interface, from /proc/net/dev."""
    found: Dict[str, Tuple[int, ...]] = {}
    for line in content.split(b"\n"):
        name, colon, rest = line.rpartition(b":")
        words = rest.split()
        if colon and len(words) >= 9:
            found[name.strip().decode("utf-8", "surrogateescape")] = (int(words[0]), int(words[8]))
    return found


def parse_devices(content: bytes, whole: Optional[Container[str]]) -> _Counters:
    """Bytes read, bytes written and milliseconds busy by device, from /proc/diskstats.

    Partitions are left out, as ``whole`` names the devices; without it every line that has ever
    been busy is taken.
    """
    found: Dict[str, Tuple[int, ...]] = {}
    for line in content.split(b"\n"):
        words = line.split()
        if len(words) < 13:
            continue
        name = words[2].decode("utf-8", "surrogateescape")
        values = (int(words[5]) * _SECTOR_BYTES, int(words[9]) * _SECTOR_BYTES, int(words[12]))
        # A device that never moved a byte (an empty loop slot) is no row.
        if any(values) and (whole is None or name.replace("/", "!") in whole):
            found[name] = values
    return found
