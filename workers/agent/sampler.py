"""One ``Sample`` of the node: the readers of this room behind one call."""

import time
from typing import Any, Optional

from workers.agent.disks import DiskReader
from workers.agent.host import HostReader
from workers.agent.processes import ProcessReader
from workers.protocol import Configure, GpuReport, Sample


class Sampler:
    """Takes samples as the console wants them. ``sample()`` never waits for a disk or a driver.

    ``gpu`` is a ``GpuReader`` or None; its reports are merged into the processes. ``processes``
    serves the requests about processes, always from the newest sweep.
    """

    def __init__(self, gpu: Optional[Any] = None) -> None:
        self._gpu = gpu
        self._wanted = Configure()
        self._host = HostReader()
        self._disks = DiskReader()
        self._sequence = 0
        self.processes = ProcessReader()
        self.gpu_report = GpuReport()
        """The newest GPU report."""

    def configure(self, wanted: Configure) -> None:
        """What to read from now on. Counters and known figures are kept where they still fit."""
        before, self._wanted = self._wanted, wanted
        if (wanted.disks, wanted.root) != (before.disks, before.root):
            self._disks = DiskReader(wanted.disks, wanted.root)

    def sample(self) -> Sample:
        """A reading of everything; figures over time are None in the first."""
        self._sequence += 1
        if self._gpu is not None:
            self.gpu_report = self._gpu.poll()
        self.processes.merge(self.gpu_report)
        self.processes.sweep()
        full = self._wanted.interest == "full"
        return Sample(
            sequence=self._sequence,
            clock=time.time(),
            boottime=boottime(),
            host=self._host.read(full, self.processes.count),
            disks=self._disks.read(),
            gpu=self.gpu_report,
            top=self.processes.top(self._wanted.top),
        )

    def close(self) -> None:
        """Ends the GPU child, if there is one."""
        if self._gpu is not None:
            self._gpu.close()


def boottime() -> float:
    """Seconds since boot, suspended time included where the system counts it."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
