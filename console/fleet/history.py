"""What one node did lately: bounded rings for the graphs, series for rates and forecasts."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence

from console.fleet.series import CountSeries, DiskSeries, Point
from workers.protocol import DatasetReport, GpuReport, Sample

RING_POINTS = 240
HOUR_S, DAY_S = 3600.0, 86_400.0
_FUTURE_S = 60.0  # a kept point further in the future than this is from a clock that was wrong

Ring = Sequence[tuple[float, float | None]]


class NodeHistory:
    """Rings of (at, value or None), and series by wall clock. `heard` is when the counts were last confirmed."""

    def __init__(self) -> None:
        self.cpu: deque[tuple[float, float | None]] = deque(maxlen=RING_POINTS)
        self.memory: deque[tuple[float, float | None]] = deque(maxlen=RING_POINTS)
        self.gpu: deque[tuple[float, float | None]] = deque(maxlen=RING_POINTS)
        self.heard = 0.0  # our wall clock at the last heartbeat
        self._datasets: dict[str, CountSeries] = {}
        self._disks: dict[str, DiskSeries] = {}
        self._available: dict[str, float | None] = {}

    def sampled(self, at: float, clock: float, sample: Sample) -> None:
        """Takes a reading in."""
        self.cpu.append((at, sample.host.cpu_percent))
        self.memory.append((at, memory_percent(sample)))
        self.gpu.append((at, gpu_percent(sample.gpu)))
        for disk in sample.disks:
            self._available[disk.path] = disk.available_bytes
            if disk.used_bytes is not None:
                series = self._disks.get(disk.path)
                if series is None:
                    series = self._disks[disk.path] = DiskSeries()
                series.add(clock, disk.used_bytes)

    def counted(self, clock: float, report: DatasetReport) -> None:
        """Takes a report of the datasets in; what could not be counted leaves no point."""
        for count in report.counts:
            if count.records is not None:
                series = self._datasets.setdefault(count.name, CountSeries())
                series.add(clock, count.records, count.unreadable_files)

    def forget_dataset(self, name: str) -> None:
        """The dataset means other files now: its past says nothing about them."""
        self._datasets.pop(name, None)

    def dataset_rate(self, name: str, window_s: float) -> float | None:
        """Records per hour over the last `window_s` seconds until the node was last heard; None if unknown."""
        series = self._datasets.get(name)
        return series.rate(window_s, self.heard) if series else None

    def disk_full_in_s(self, path: str) -> float | None:
        """Seconds until the disk is full at the present rate; None if unknown or not filling."""
        series = self._disks.get(path)
        return series.full_in_s(self._available.get(path)) if series else None

    def export_points(self) -> list[Point]:
        """The series as plain data, for a cache that outlives the console."""
        counts = [
            Point("dataset", name, *values)
            for name, series in self._datasets.items()
            for values in series.export()
        ]
        disks = [
            Point("disk", path, *values)
            for path, series in self._disks.items()
            for values in series.export()
        ]
        return counts + disks

    def import_points(self, points: Iterable[Point], clock: float = math.inf) -> None:
        """Takes a cache's points in. What is not finite, negative or later than `clock` is left out."""
        known: dict[tuple[str, str], list[Point]] = {}
        for point in points:
            numbers = (point.clock, point.value, point.produced)
            if (
                all(math.isfinite(n) and n >= 0 for n in numbers)
                and point.clock <= clock + _FUTURE_S
            ):
                known.setdefault((point.series, point.name), []).append(point)
        for (series, name), earlier in known.items():
            if series == "dataset":
                self._datasets.setdefault(name, CountSeries()).restore(earlier)
            elif series == "disk":
                self._disks.setdefault(name, DiskSeries()).restore(earlier)


def memory_percent(sample: Sample) -> float | None:
    """Memory in use, percent of all; None if the node does not say."""
    memory = sample.host.memory
    if memory.used_bytes is None or not memory.total_bytes:
        return None
    return 100.0 * memory.used_bytes / memory.total_bytes


def gpu_percent(report: GpuReport) -> float | None:
    """Mean utilisation of the GPUs that answer; None where none does."""
    known = [gpu.utilization_percent for gpu in report.gpus if gpu.utilization_percent is not None]
    return sum(known) / len(known) if known else None
