"""The fleet in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from console.fleet.alerts import Alert, worst
from console.fleet.history import HOUR_S, NodeHistory
from console.fleet.jobs import RunningJobs, running_jobs
from console.fleet.ledger import LedgerBook
from console.fleet.model import Node, Stale, Up
from console.fleet.workers.groups import counts
from console.fleet.workers.view import WorkerView

GPU_BUSY_PERCENT = 5.0
_NO_JOBS = RunningJobs()


@dataclass(frozen=True)
class FleetSummary:
    """A machine that has two entries counts once. What a node that is not up holds is not counted."""

    nodes_up: int
    nodes_total: int
    gpus_busy: int
    gpus_total: int
    records_per_hour: float | None  # None until any node has a rate
    worst: Alert | None
    alerts_active: int
    alerts_unacknowledged: int
    states: tuple[tuple[str, int], ...] = ()  # state, nodes; those that occur
    workers: tuple[tuple[str, int], ...] = ()  # word, workers; those that occur, what runs first
    jobs: RunningJobs = _NO_JOBS
    unsynced_bytes: int | None = None  # as last looked at; None until any node's ledger is known


def summarise(
    nodes: Iterable[Node],
    alerts: tuple[Alert, ...],
    history: Callable[[str], NodeHistory],
    workers: Iterable[WorkerView] = (),
    ledger: LedgerBook | None = None,
) -> FleetSummary:
    """The summary of `nodes` with their active alerts, worst first, their workers and their ledger."""
    views = tuple(workers)
    up = total = busy = gpus = 0
    hourly: float | None = None
    unsynced: int | None = None
    states: dict[str, int] = {}
    for node in nodes:
        if node.same_as is not None:
            continue
        total += 1
        states[node.state] = states.get(node.state, 0) + 1
        left = ledger.unsynced_bytes(node.name) if ledger is not None else None
        unsynced = unsynced if left is None else (unsynced or 0) + left
        if not isinstance(node.link, (Up, Stale)):
            continue
        up += isinstance(node.link, Up)
        for gpu in node.gpu.gpus:
            gpus += 1
            busy += (gpu.utilization_percent or 0.0) > GPU_BUSY_PERCENT
        for count in node.counts:
            rate = history(node.name).dataset_rate(count.name, HOUR_S)
            if rate is not None:
                hourly = (hourly or 0.0) + rate
    return FleetSummary(
        nodes_up=up,
        nodes_total=total,
        gpus_busy=busy,
        gpus_total=gpus,
        records_per_hour=hourly,
        worst=worst(alerts),
        alerts_active=len(alerts),
        alerts_unacknowledged=sum(not alert.acknowledged for alert in alerts),
        states=tuple(states.items()),
        workers=counts(views),
        jobs=running_jobs(views),
        unsynced_bytes=unsynced,
    )
