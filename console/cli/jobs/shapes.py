"""The JSON of `quarterdeck jobs`, schema 1: what scripts may rely on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from console.fleet.jobs import JobRow, Planned
from console.operations.jobs import JobPlan
from workers.protocol import ProgressPart

SCHEMA = 1


def listed(planned: Iterable[Planned], rows: Iterable[JobRow]) -> dict[str, Any]:
    """`jobs list --json`: every job of the settings, and every run that is known."""
    jobs = [
        {
            "name": one.name,
            "kind": one.kind,
            "schedule": one.schedule or None,
            "due_in_s": one.in_s,
            "held_back": one.note or None,
        }
        for one in planned
    ]
    return {"schema": SCHEMA, "jobs": jobs, "runs": [run(row) for row in rows if row.view]}


def run(row: JobRow) -> dict[str, Any]:
    """One run: its state in words, its exit code, how far it is, node by node."""
    assert row.view is not None
    record, amount = row.view.record, row.amount
    return {
        "name": row.name,
        "kind": row.kind,
        "section": row.section,
        "state": row.state,
        "node": row.node,
        "run_id": record.run_id,
        "by": record.by or None,
        "exit_code": record.exit_code,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "message": row.message or None,
        "bytes": amount.bytes,
        "bytes_total": amount.bytes_total,
        "rate_bytes_s": amount.rate,
        "eta_s": amount.eta_s,
        "share": amount.share,
        "parts": [part(one) for one in row.parts],
    }


def part(one: ProgressPart) -> dict[str, Any]:
    """One node of a run."""
    return {**one._asdict(), "unit": one.unit or None, "message": one.message or None}


def plan(one: JobPlan) -> dict[str, Any]:
    """`jobs run --dry-run --json`: `refusals` says why it would not start."""
    hosts = [
        {
            "name": share.name,
            "does": share.does,
            "files": share.files,
            "bytes": share.bytes,
            "commands": [list(argv) for argv in share.commands],
            "notes": list(share.notes),
            "problem": share.problem,
        }
        for share in one.hosts
    ]
    return {
        "schema": SCHEMA,
        "job": one.name,
        "kind": one.job.kind,
        "node": one.node,
        "command": list(one.spec.command),
        "does": one.does,
        "sources": list(one.document["sources"]),
        "destination": dict(one.document["destination"]),
        "hosts": hosts,
        "files": one.files,
        "bytes": one.bytes,
        "never": list(one.never),
        "warnings": list(one.warnings),
        "refusals": list(one.refusals),
        "numbers": dict(one.numbers),
    }
