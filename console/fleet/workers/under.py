"""The disk under a worker: why nothing can be written there."""

from __future__ import annotations

from collections.abc import Iterable

from console.fleet.model import Node
from console.fleet.survey.disk import used_percent
from workers.protocol import Disk, WorkerRecord

_FULL_PERCENT = 99.5


def disk_trouble(node: Node, record: WorkerRecord) -> str:
    """`/data is full, so nothing is written`; "" where it is not so, or not known.

    Where no absolute path says which disk it writes to, any full disk of the node is named, but a
    read-only one is not: many nodes have some that are meant to be so.
    """
    disks = node.sample.disks if node.sample else ()
    if not any(disk.read_only or _is_full(disk) for disk in disks):
        return ""
    own = _own(disks, _paths(node, record))
    for disk in own:
        if disk.read_only:
            return f"{disk.path} is read-only, so nothing is written"
    for disk in own or disks:
        if _is_full(disk):
            return f"{disk.path} is full, so nothing is written"
    return ""


def _is_full(disk: Disk) -> bool:
    if disk.read_only or disk.fault is not None:
        return False
    if disk.available_bytes is not None and disk.available_bytes <= 0:
        return True
    return (used_percent(disk) or 0.0) >= _FULL_PERCENT


def _paths(node: Node, record: WorkerRecord) -> list[str]:
    """Absolute paths that it writes below, as far as the settings tell."""
    found = []
    root = node.spec.root
    for watch in node.spec.datasets:
        if watch.name == record.progress_dataset:
            found += [path if path.startswith("/") else f"{root}/{path}" for path in watch.paths]
    return [path for path in found or [root] if path.startswith("/")]


def _own(disks: Iterable[Disk], paths: Iterable[str]) -> list[Disk]:
    """Of each path the disk with the longest mount point above it."""
    found = []
    for path in paths:
        above = [d for d in disks if path == d.path or path.startswith(d.path.rstrip("/") + "/")]
        if above:
            found.append(max(above, key=lambda disk: len(disk.path)))
    return found
