"""Pressure stall information. Source: Documentation/accounting/psi.rst of Linux."""

from typing import Optional

from workers.machine import procfs
from workers.protocol import Pressure


def read(proc: str = "/proc") -> Optional[Pressure]:
    """The 10 s averages in percent; None where the kernel has no PSI or it is switched off."""
    cpu = procfs.read(proc + "/pressure/cpu")
    if not cpu:
        return None
    memory = procfs.read(proc + "/pressure/memory")
    io = procfs.read(proc + "/pressure/io")
    return Pressure(
        cpu_some=average(cpu, b"some"),
        memory_some=average(memory, b"some"),
        memory_full=average(memory, b"full"),
        io_some=average(io, b"some"),
        io_full=average(io, b"full"),
    )


def average(content: Optional[bytes], kind: bytes) -> Optional[float]:
    """``avg10`` of the line ``some`` or ``full``."""
    for line in (content or b"").split(b"\n"):
        if line.startswith(kind + b" avg10="):
            try:
                return float(line.split()[1][6:])
            except ValueError:
                return None
    return None
