"""The JSON that scripts rely on, schema 1. Keys are added, never renamed; None is "not available"."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from console.fleet.alerts import Alert
from console.fleet.ledger import Entry
from console.fleet.model import Node
from console.fleet.survey.data import newest_age_s
from console.fleet.totals import DataRow, DatasetTotal
from console.fleet.workers import WorkerView
from workers.protocol import DatasetCount, Disk, Gpu, Process, WorkerDetails, plain

if TYPE_CHECKING:
    from console.operations.command_output import CommandOutput
    from console.operations.workers import Outcome, StartPlan
    from console.settings.presets import PresetSettings
    from workers.ledger.safety import Safety

SCHEMA = 1


def status(
    nodes: Iterable[Node],
    alerts: Iterable[Alert],
    now: float,
    workers: Callable[[str], Iterable[WorkerView]] = lambda _: (),
) -> dict[str, Any]:
    """`status --json`. `workers` gives the runs of a node."""
    return {
        "schema": SCHEMA,
        "nodes": [_node(node, now, workers(node.name)) for node in nodes],
        "alerts": [{"node": a.node, "kind": a.kind, "text": a.text, "key": a.key} for a in alerts],
    }


def _node(node: Node, now: float, workers: Iterable[WorkerView]) -> dict[str, Any]:
    sample = node.sample
    host = sample.host if sample else None
    counts = node.counts
    named = {count.name for count in counts}
    missing = [DatasetCount(w.name) for w in node.spec.expected_datasets if w.name not in named]
    return {
        "name": node.name,
        "state": node.state,
        "reason": node.reason or None,
        "age_s": None if node.sample_at is None else round(max(0.0, now - node.sample_at), 3),
        "hostname": node.hello.hostname if node.hello else None,
        "cpu_percent": host.cpu_percent if host else None,
        "load": host.load[0] if host and host.load else None,
        "memory": {
            "used_bytes": host.memory.used_bytes if host else None,
            "total_bytes": host.memory.total_bytes if host else None,
        },
        "gpus": [_gpu(gpu) for gpu in node.gpu.gpus],
        "disks": [_disk(disk) for disk in (sample.disks if sample else ())],
        "datasets": [_count(node, count, now) for count in (*counts, *missing)],
        "workers": [{"name": v.name, "state": v.record.state} for v in workers if v.newest],
        "process_count": host.process_count if host else None,
    }


def _gpu(gpu: Gpu) -> dict[str, Any]:
    return {
        "index": gpu.gpu_index,
        "name": gpu.name,
        "utilization_percent": gpu.utilization_percent,
        "memory_used_bytes": gpu.memory_used_bytes,
        "memory_total_bytes": gpu.memory_total_bytes,
        "temperature_c": gpu.temperature_c,
        "power_w": gpu.power_w,
    }


def _disk(disk: Disk) -> dict[str, Any]:
    return {"path": disk.path, "used_bytes": disk.used_bytes, "total_bytes": disk.total_bytes}


def _count(node: Node, count: DatasetCount, now: float) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": count.name,
        "files": count.files,
        "records": count.records,
        "bytes": count.bytes,
        "newest_age_s": newest_age_s(node, count, now),
    }
    if count.records is None:
        shown["reason"] = count.reason or node.reason or "not counted yet"
    return shown


def data(
    rows: Iterable[DataRow], sums: Iterable[DatasetTotal], clock: float = 0.0
) -> dict[str, Any]:
    """`data --json`; `clock` is our wall clock. What is not known now of the ledger is null."""
    return {
        "schema": SCHEMA,
        "nodes": [_row(row, clock) for row in rows],
        "totals": {total.dataset: _total(total) for total in sums},
    }


def _row(row: DataRow, clock: float) -> dict[str, Any]:
    entry = row.ledger or Entry(row.dataset)
    standing = entry.standing
    return {
        "node": row.node,
        "dataset": row.dataset,
        "files": row.files,
        "records": row.records,
        "bytes": row.bytes,
        "newest_age_s": row.newest_age_s,
        "unsynced_records": row.unsynced_records,
        "unsynced_bytes": row.unsynced_bytes,
        "reason": row.reason,
        "same_as": row.same_as,
        "unreadable": list(row.unreadable),
        "last_synced_age_s": _age(standing.last_synced_at if standing else None, clock),
        "last_aggregated_age_s": _age(standing.last_aggregated_at if standing else None, clock),
        "last_backed_up_age_s": _age(standing.last_backed_up_at if standing else None, clock),
        "ledger_reason": entry.fault or None,
    }


def _total(total: DatasetTotal) -> dict[str, Any]:
    held = total.held
    now = held.unknown is None
    return {
        "records": total.records,
        "unsynced_records": total.unsynced_records,
        "unsynced_bytes": total.unsynced_bytes,
        "aggregated_records": held.aggregated_records if now else None,
        "backed_up_records": held.backed_up_records if now else None,
        "partial": total.partial,
        "unknown": [{"node": node, "reason": reason} for node, reason in total.unknown],
        "ledger_reason": held.unknown,
    }


def _age(at: float | None, clock: float) -> float | None:
    return None if at is None else round(max(0.0, clock - at), 3)


def safety(node: str, one: Safety, entries: Iterable[Entry]) -> dict[str, Any]:
    """`data safe NODE --json`; `safe` null: unknown, which is never yes."""
    return {
        "schema": SCHEMA,
        "node": node,
        "safe": one.safe,
        "text": one.text,
        "records": one.records,
        "bytes": one.bytes,
        "files": one.files,
        "datasets": [_entry(entry) for entry in entries],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    standing = entry.standing if entry.holds else None
    shown: dict[str, Any] = {"name": entry.dataset, "reason": entry.fault or None}
    for stage in ("produced", "unsynced", "unaggregated", "not_backed_up"):
        for figure in ("records", "bytes"):
            key = f"{stage}_{figure}"
            shown[key] = getattr(standing, key) if standing else None
    return shown


def alerts(active: Iterable[Alert]) -> dict[str, Any]:
    """`alerts --json`; `since` is a wall-clock time in seconds."""
    return {
        "schema": SCHEMA,
        "alerts": [
            {
                "id": alert.id,
                "node": alert.node,
                "kind": alert.kind,
                "text": alert.text,
                "key": alert.key,
                "severity": alert.severity.value,
                "since": alert.since_clock,
                "acknowledged": alert.acknowledged,
                "suspended": alert.suspended,
            }
            for alert in active
        ],
    }


def process(one: Process) -> dict[str, Any]:
    """A process of `ps --json`; all fields of the protocol's."""
    return one._asdict()


def worker(view: WorkerView) -> dict[str, Any]:
    """One of `workers list --json`; `started_at` is a wall-clock time in seconds."""
    record = view.record
    progress = record.progress
    return {
        "name": record.name,
        "node": view.node,
        "run_id": record.run_id,
        "state": record.state,
        "desired": record.desired,
        "health": view.health,
        "flags": list(record.flags),
        "pid": record.pid,
        "exit_code": record.exit_code,
        "signal": record.signal,
        "lost_reason": record.lost_reason,
        "started_at": record.started_at,
        "restarts": record.restarts,
        "progress": {
            "done": progress.done if progress else None,
            "total": progress.total if progress else None,
            "unit": (progress.unit or None) if progress else None,
            "per_minute": view.per_minute,
        },
    }


def worker_details(view: WorkerView, details: WorkerDetails) -> dict[str, Any]:
    """`workers show --json`: the above, and all that the node keeps of the run."""
    told: dict[str, Any] = plain(details)
    return {"schema": SCHEMA, **worker(view), "why": view.reason or None, "details": told}


def outcome(one: Outcome) -> dict[str, Any]:
    """What became of one command to one run: done, refused, failed, unreachable or unknown."""
    return {
        "name": one.name,
        "node": one.node,
        "run_id": one.run_id or None,
        "result": one.verdict.value,
        "text": one.text,
        "state": one.record.state if one.record else None,
        "pid": one.record.pid if one.record else None,
        "notes": list(one.notes),
    }


def plan(one: StartPlan) -> dict[str, Any]:
    """`workers start --dry-run --json`."""
    starts = [
        {
            "name": start.spec.name,
            "node": start.node,
            "command": list(start.spec.command),
            "shown": start.shown,
            "gpus": list(start.gpu_indices),
            "refusals": list(start.refusals),
        }
        for start in one.starts
    ]
    return {"starts": starts, "warnings": list(one.warnings), "refusals": list(one.refusals)}


def preset(one: PresetSettings) -> dict[str, Any]:
    """One of `workers presets --json`: its keys as the settings have them, environment values left out."""
    shown = one.model_dump(mode="json", exclude={"environment"})
    return {**shown, "environment": sorted(one.environment)}


def command_output(one: CommandOutput) -> dict[str, Any]:
    """What `run --json` says of one node; bytes that are no UTF-8 are replaced."""
    return {
        "node": one.node,
        "result": one.verdict.value if one.verdict else None,
        "text": one.words,
        "exit_code": one.exit_code,
        "signal": one.signal,
        "output": one.output(0).decode(errors="replace"),
        "errors": one.output(1).decode(errors="replace"),
    }
