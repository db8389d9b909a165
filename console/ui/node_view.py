"""One node as the fleet's screens read it: the facts of now, looked up once and only as far as needed."""

from __future__ import annotations

import re
from functools import cached_property
from typing import NamedTuple

from console.fleet.alerts import Alert
from console.fleet.history import HOUR_S, NodeHistory, gpu_percent, memory_percent
from console.fleet.model import Attention, Connecting, Detached, Down, Node
from console.fleet.store import FleetStore
from console.fleet.survey.data import newest_age_s
from console.fleet.survey.disk import used_percent
from console.fleet.workers.groups import WorkerGroup, groups
from console.fleet.workers.view import WorkerView
from workers.protocol import Disk, Gpu, Process

_MAKERS = re.compile(r"^(NVIDIA|GeForce|Tesla|Quadro|AMD|Radeon|\s)+", re.IGNORECASE)
_MEMORY_SIZE = re.compile(r"\s*\b\d+\s?GB\b.*$")


class DiskUse(NamedTuple):
    disk: Disk
    percent: float | None
    full_in_s: float | None


class DataCount(NamedTuple):
    name: str
    records: int | None
    per_hour: float | None
    reason: str | None
    newest_age_s: float | None


class NodeView:
    """Reads the store when asked; made anew whenever the node changed."""

    def __init__(self, store: FleetStore, name: str) -> None:
        """Raises KeyError for a node that left the fleet."""
        self.node: Node = store.nodes[name]
        self.history: NodeHistory = store.history(name)
        self.alerts: tuple[Alert, ...] = store.alerts_of(name)
        self.now = store.now
        self._store = store

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def state(self) -> str:
        return self.node.state

    @property
    def sighted(self) -> bool:
        """There are figures worth showing: the node is there, or was a moment ago."""
        hidden = (Down, Attention, Detached, Connecting)
        return self.node.sample is not None and not isinstance(self.node.link, hidden)

    @cached_property
    def age_s(self) -> float | None:
        """Since the last reading, or without one since the state of the link began."""
        since = self.node.sample_at if self.sighted else self.node.link.since
        return None if since is None else max(0.0, self.now - since)

    @property
    def trouble(self) -> str:
        """Why there is no link, in words; "" when there is one."""
        return "" if self.sighted else self.node.reason or "no reading yet"

    @property
    def remedy(self) -> str:
        link = self.node.link
        return link.problem.remedy if isinstance(link, (Down, Attention)) else ""

    @property
    def retry_in_s(self) -> float | None:
        link = self.node.link
        if isinstance(link, Down) and link.retry_at is not None:
            return max(0.0, link.retry_at - self.now)
        return None

    # ------------------------------------------------------------ host

    @property
    def cpu(self) -> float | None:
        return self.node.sample.host.cpu_percent if self.node.sample else None

    @property
    def cores(self) -> int | None:
        return self.node.hello.cores if self.node.hello else None

    @property
    def load(self) -> float | None:
        load = self.node.sample.host.load if self.node.sample else None
        return load[0] if load else None

    @property
    def memory_percent(self) -> float | None:
        return memory_percent(self.node.sample) if self.node.sample else None

    @property
    def memory_bytes(self) -> tuple[int | None, int | None]:
        """(used, total)"""
        if self.node.sample is None:
            return None, None
        memory = self.node.sample.host.memory
        return memory.used_bytes, memory.total_bytes

    @property
    def swap_percent(self) -> float | None:
        """None without swap."""
        if self.node.sample is None:
            return None
        memory = self.node.sample.host.memory
        if not memory.swap_total_bytes or memory.swap_used_bytes is None:
            return None
        return 100.0 * memory.swap_used_bytes / memory.swap_total_bytes

    @property
    def uptime_s(self) -> float | None:
        return self.node.sample.host.uptime_s if self.node.sample else None

    @property
    def processes(self) -> tuple[Process, ...]:
        return self.node.sample.top if self.node.sample else ()

    # ------------------------------------------------------------ GPUs

    @property
    def gpus(self) -> tuple[Gpu, ...]:
        return self.node.gpu.gpus

    @property
    def gpu_fault(self) -> str:
        return self.node.gpu.fault or ""

    @cached_property
    def gpu_percent(self) -> float | None:
        return gpu_percent(self.node.gpu)

    @cached_property
    def hottest_c(self) -> float | None:
        return max(
            (g.temperature_c for g in self.gpus if g.temperature_c is not None), default=None
        )

    @cached_property
    def power_w(self) -> float | None:
        known = [g.power_w for g in self.gpus if g.power_w is not None]
        return sum(known) if known else None

    @cached_property
    def gpu_memory_percent(self) -> float | None:
        used = total = 0
        for gpu in self.gpus:
            if gpu.memory_used_bytes is not None and gpu.memory_total_bytes:
                used += gpu.memory_used_bytes
                total += gpu.memory_total_bytes
        return 100.0 * used / total if total else None

    @cached_property
    def gpu_word(self) -> str:
        """`4×H100`, `2×RTX 4090`; "" without GPUs."""
        if not self.gpus:
            return ""
        model = _MEMORY_SIZE.sub("", _MAKERS.sub("", self.gpus[0].name)).strip() or "GPU"
        return f"{len(self.gpus)}×{model}"

    # ------------------------------------------------------------ disks and data

    @cached_property
    def disks(self) -> tuple[DiskUse, ...]:
        """The fullest first."""
        sample = self.node.sample
        found = [
            DiskUse(disk, used_percent(disk), self.history.disk_full_in_s(disk.path))
            for disk in (sample.disks if sample else ())
        ]
        return tuple(
            sorted(found, key=lambda use: -(use.percent if use.percent is not None else 101))
        )

    @property
    def worst_disk(self) -> DiskUse | None:
        return self.disks[0] if self.disks else None

    @cached_property
    def data(self) -> tuple[DataCount, ...]:
        """In the order the node reports."""
        counts = self.node.counts
        return tuple(
            DataCount(
                count.name,
                count.records,
                self.history.dataset_rate(count.name, HOUR_S),
                count.reason,
                newest_age_s(self.node, count, self.now),
            )
            for count in counts
        )

    @cached_property
    def records(self) -> int | None:
        """Of all datasets together."""
        known = [count.records for count in self.data if count.records is not None]
        return sum(known) if known else None

    @cached_property
    def records_per_hour(self) -> float | None:
        known = [count.per_hour for count in self.data if count.per_hour is not None]
        return sum(known) if known else None

    # ------------------------------------------------------------ workers

    @cached_property
    def workers(self) -> tuple[WorkerView, ...]:
        """The newest run of each name, as last known."""
        return self._store.workers_of(self.name)

    @cached_property
    def worker_groups(self) -> tuple[WorkerGroup, ...]:
        """Copies told together, what is wrong first."""
        return groups(self.workers)

    # ------------------------------------------------------------ alerts

    @property
    def worst_alert(self) -> Alert | None:
        return self.alerts[0] if self.alerts else None

    def alert_of(self, kind: str) -> bool:
        return any(alert.kind == kind for alert in self.alerts)
