"""One ``Sample`` of the node: the readers of this room behind one call."""

import sys
import time
from typing import TYPE_CHECKING, Optional, Tuple, Union

from workers.agent.disks import DiskReader
from workers.agent.gpu import GpuReader
from workers.agent.host import HostReader
from workers.agent.processes import ProcessReader
from workers.machine.boot import boottime
from workers.protocol import Configure, GpuReport, Sample

if TYPE_CHECKING:
    from workers.agent.portable import PortableHostReader

_GPU_WAIT_S = 0.01


class Sampler:
    """Takes samples as the console wants them. ``sample()`` never waits for a disk or a driver.

    The reports of ``gpu`` are merged into the processes. ``processes`` serves the requests about
    processes, always from the newest sweep.
    """

    def __init__(self, gpu: Optional[GpuReader] = None) -> None:
        self._gpu = gpu or GpuReader()
        self._wanted = Configure()
        self._host, self.processes = _readers()
        self._disks = DiskReader()
        self._sequence = 0
        self.gpu_report = GpuReport()
        """The newest GPU report."""

    def configure(self, wanted: Configure) -> None:
        """What to read from now on. Counters and known figures are kept where they still fit."""
        before, self._wanted = self._wanted, wanted
        if (wanted.disks, wanted.root) != (before.disks, before.root):
            self._disks = DiskReader(wanted.disks, wanted.root)

    @property
    def root(self) -> str:
        """Where relative paths of the console start; "" is the home directory."""
        return self._wanted.root

    def sample(self) -> Sample:
        """A reading of everything; figures over time are None in the first."""
        self._sequence += 1
        self._gpu.poll()  # asks the driver, which answers while we read the rest
        self.processes.sweep(thorough=False)
        full = self._wanted.interest == "full"
        host = self._host.read(full, self.processes.count)
        disks = self._disks.read()
        self.gpu_report = self._gpu.poll(_GPU_WAIT_S)
        self.processes.merge(self.gpu_report)
        return Sample(
            sequence=self._sequence,
            clock=time.time(),
            boottime=boottime(),
            host=host,
            disks=disks,
            gpu=self.gpu_report,
            top=self.processes.top(self._wanted.top),
        )

    def close(self) -> None:
        """Ends the GPU child, if there is one."""
        self._gpu.close()


def _readers() -> "Tuple[Union[HostReader, PortableHostReader], ProcessReader]":
    if not sys.platform.startswith("linux"):
        from workers.agent import portable

        if portable.available():
            return portable.PortableHostReader(), portable.PortableProcessReader()
    return HostReader(), ProcessReader()
