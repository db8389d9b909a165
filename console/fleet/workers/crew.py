"""The workers of one node over time: their histories, and how each stands now."""

from __future__ import annotations

from console.fleet.model import Node, Up
from console.fleet.workers.history import WorkerHistory
from console.fleet.workers.view import LIVE, WorkerView
from workers.protocol import WorkerRecord, WorkerReport


class Crew:
    """Histories by run. Mutated only by the store."""

    def __init__(self) -> None:
        self._histories: dict[str, WorkerHistory] = {}

    def take(self, report: WorkerReport, at: float) -> None:
        """Takes a report in; the history of a run that is no longer kept goes."""
        known = self._histories
        self._histories = {
            record.run_id: known.get(record.run_id) or WorkerHistory() for record in report.workers
        }
        for record in report.workers:
            if record.state in LIVE:
                done = record.progress.done if record.progress else None
                self._histories[record.run_id].add(
                    at, done, None, record.cpu_percent, record.memory_bytes
                )

    def views(self, node: Node, now: float, clock: float) -> tuple[WorkerView, ...]:
        """All runs that the node keeps, in the order it reports them: the newest first."""
        report = node.workers
        if report is None:
            return ()
        newest = newest_runs(report.workers)
        return tuple(
            self._view(node, record, now, clock, record.run_id in newest)
            for record in report.workers
        )

    def _view(
        self, node: Node, record: WorkerRecord, now: float, clock: float, newest: bool
    ) -> WorkerView:
        reachable = is_reachable(node)
        seen_at = now if node.workers_seen_at is None else node.workers_seen_at
        until = now if reachable else seen_at
        running_s = record.running_s
        if running_s is not None and record.state in LIVE and node.workers_at is not None:
            running_s += max(0.0, until - node.workers_at)
        return WorkerView(
            node.name,
            record,
            reachable=reachable,
            age_s=0.0 if reachable else max(0.0, now - seen_at),
            over_s=over_s(node, record, clock),
            running_s=running_s,
            newest=newest,
            history=self._histories.get(record.run_id) or WorkerHistory(),
        )


def over_s(node: Node, record: WorkerRecord, clock: float) -> float | None:
    """Seconds since it ended, by the node's own clock; None where the end is not known."""
    if record.ended_at is None or record.state in LIVE:
        return None
    return max(0.0, clock + (node.clock_offset_s or 0.0) - record.ended_at)


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
