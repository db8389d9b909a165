"""Xid errors of the NVIDIA driver in the kernel's log.

Source of the form: "NVRM: Xid (PCI:0000:3b:00): 79, pid=…, GPU has fallen off the bus."
"""

import os
import re
from typing import Dict, Optional, Tuple

PciPlace = Tuple[int, int, int]  # domain, bus, device

_XID = re.compile(
    rb"NVRM: Xid \((?:PCI:)?([0-9a-fA-F]+):([0-9a-fA-F]+):([0-9a-fA-F]+)[^)]*\): (\d+)"
)
_MOST_READS = 100_000


class KernelLog:
    """Follows the kernel's log; without the right to read it, it stays empty."""

    def __init__(self, path: str = "/dev/kmsg") -> None:
        self._last: Dict[PciPlace, int] = {}
        self._descriptor: Optional[int] = None
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            pass

    def last(self, place: PciPlace) -> Optional[int]:
        """The last Xid of the GPU at this place of the PCI bus."""
        self._follow()
        return self._last.get(place)

    def _follow(self) -> None:
        if self._descriptor is None:
            return
        for _ in range(_MOST_READS):
            try:
                record = os.read(self._descriptor, 16_384)
            except BrokenPipeError:
                continue  # records were overwritten before they were read: the next is there
            except OSError:
                return
            if not record:
                return
            self._note(record)

    def _note(self, record: bytes) -> None:
        for match in _XID.finditer(record):
            domain, bus, device = (int(part, 16) for part in match.groups()[:3])
            self._last[(domain, bus, device)] = int(match.group(4))


def pci_place(bus_id: str) -> Optional[PciPlace]:
    """``00000000:3B:00.0`` as numbers."""
    try:
        domain, bus, device = bus_id.partition(".")[0].split(":")
        return int(domain, 16), int(bus, 16), int(device, 16)
    except ValueError:
        return None
