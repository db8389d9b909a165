"""What a report says of its runs, read at a moment. Pure functions of a node and its records."""

from __future__ import annotations

from collections.abc import Iterable

from console.fleet.model import Node, Up
from console.fleet.workers.view import LIVE
from workers.protocol import WorkerRecord


def is_reachable(node: Node) -> bool:
    """The node is seen now, and this link has told what runs there."""
    report = node.workers
    return (
        isinstance(node.link, Up)
        and node.workers_at is not None
        and report is not None
        and report.fault is None
    )


def live_records(node: Node) -> tuple[WorkerRecord, ...]:
    """The runs that live there, as last known."""
    report = node.workers
    return tuple(r for r in report.workers if r.state in LIVE) if report else ()


def newest_runs(records: tuple[WorkerRecord, ...]) -> frozenset[str]:
    """Of each name the run that lives, or else the first, which is the newest."""
    found: dict[str, WorkerRecord] = {}
    for record in records:
        held = found.get(record.name)
        if held is None or (record.state in LIVE and held.state not in LIVE):
            found[record.name] = record
    return frozenset(record.run_id for record in found.values())


def done_of(node: Node, record: WorkerRecord) -> float | None:
    """Units done: by its own word, or the records of the dataset that is its progress."""
    if record.progress is not None and record.progress.done is not None:
        return record.progress.done
    if record.progress_dataset and node.datasets is not None:
        for count in node.datasets.counts:
            if count.name == record.progress_dataset:
                return count.records
    return None


def copies_of(records: Iterable[WorkerRecord]) -> dict[str, int]:
    """How many running runs name each dataset: its rate is divided evenly among them."""
    found: dict[str, int] = {}
    for record in records:
        if record.state == "running" and record.progress_dataset:
            found[record.progress_dataset] = found.get(record.progress_dataset, 0) + 1
    return found


def aged(node: Node, age_s: float | None, now: float) -> float | None:
    """An age from the report, now: reports come only where something changed."""
    if age_s is None or node.workers_at is None:
        return age_s
    return age_s + max(0.0, now - node.workers_at)


def over_s(node: Node, record: WorkerRecord, clock: float) -> float | None:
    """Seconds since it ended, by the node's own clock; None where the end is not known."""
    if record.ended_at is None or record.state in LIVE:
        return None
    return max(0.0, clock + (node.clock_offset_s or 0.0) - record.ended_at)


def eta_s(record: WorkerRecord, per_minute: float | None) -> float | None:
    said = record.progress
    if not per_minute or said is None or said.done is None or said.total is None:
        return None
    return max(0.0, said.total - said.done) * 60.0 / per_minute
