"""The figures of a node that can be filtered and sorted by. A figure that is not available is absent, not 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from console.fleet.history import memory_percent
from console.fleet.model import Node
from console.fleet.survey.disk import inodes_percent, used_percent
from console.fleet.workers.reported import live_records

Measure = Callable[[Node], list[float]]


def _of_sample(read: Callable[[Node], Iterable[float | None]]) -> Measure:
    return lambda node: [v for v in read(node) if v is not None] if node.sample else []


def _host(node: Node) -> Iterable[float | None]:
    assert node.sample is not None
    return (node.sample.host.cpu_percent,)


def _load(node: Node) -> Iterable[float | None]:
    assert node.sample is not None
    return node.sample.host.load[:1] if node.sample.host.load else ()


def _memory(node: Node) -> Iterable[float | None]:
    assert node.sample is not None
    return (memory_percent(node.sample),)


def _swap(node: Node) -> Iterable[float | None]:
    assert node.sample is not None
    memory = node.sample.host.memory
    if memory.swap_used_bytes is None or not memory.swap_total_bytes:
        return ()
    return (100.0 * memory.swap_used_bytes / memory.swap_total_bytes,)


def _gpu_memory(node: Node) -> Iterable[float | None]:
    for gpu in node.gpu.gpus:
        if gpu.memory_used_bytes is not None and gpu.memory_total_bytes:
            yield 100.0 * gpu.memory_used_bytes / gpu.memory_total_bytes


def _disks(node: Node) -> Iterable[float | None]:
    assert node.sample is not None
    return (used_percent(disk) for disk in node.sample.disks)


def _inodes(node: Node) -> Iterable[float | None]:
    assert node.sample is not None
    return (inodes_percent(disk) for disk in node.sample.disks)


def _processes(node: Node) -> Iterable[float | None]:
    assert node.sample is not None
    return (node.sample.host.process_count,)


def _records(node: Node) -> list[float]:
    counts = node.counts
    known = [float(count.records) for count in counts if count.records is not None]
    return [sum(known)] if known else []


def _uptime(node: Node) -> Iterable[float | None]:
    assert node.sample is not None
    seconds = node.sample.host.uptime_s
    return (None if seconds is None else seconds / 86_400.0,)


MEASURES: dict[str, Measure] = {
    "cpu": _of_sample(_host),  # percent
    "load": _of_sample(_load),  # of the last minute
    "mem": _of_sample(_memory),  # percent
    "swap": _of_sample(_swap),  # percent
    "gpu": _of_sample(lambda node: (g.utilization_percent for g in node.gpu.gpus)),  # percent
    "gpumem": _of_sample(_gpu_memory),  # percent
    "temp": _of_sample(lambda node: (g.temperature_c for g in node.gpu.gpus)),  # Celsius
    "power": _of_sample(lambda node: (g.power_w for g in node.gpu.gpus)),  # watts
    "gpus": _of_sample(lambda node: (len(node.gpu.gpus),)),
    "disk": _of_sample(_disks),  # percent used, each disk
    "inodes": _of_sample(_inodes),  # percent used
    "procs": _of_sample(_processes),
    "records": _records,  # of all datasets
    "workers": lambda node: [] if node.workers is None else [len(live_records(node))],
    "uptime": _of_sample(_uptime),  # days
    "rtt": lambda node: [] if node.round_trip_s is None else [node.round_trip_s * 1000.0],  # ms
}
