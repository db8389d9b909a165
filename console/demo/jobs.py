"""The jobs of the demo: planned from what its machines hold, started on them as any other; nobody is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from console.channels.unattended import Unattended
from console.demo.machines import machine_named
from console.demo.noise import fraction
from console.fleet.model import Node, NodeSpec
from console.operations.jobs import HostShare, JobOperations, JobPlan
from console.operations.jobs.spec import spec_of
from console.settings.jobs import JobSettings

THINKS_S = 0.8  # so that a person sees that the nodes are asked
JOBS: tuple[dict[str, Any], ...] = (
    {"name": "sync", "kind": "sync", "sources": "*", "destination": {"node": "nas", "path": "/tank/quarterdeck"}, "schedule": "*/20 * * * *"},
    {"name": "sync-models", "kind": "sync", "sources": "tag:selfplay", "direction": "push", "paths": ["data/models"]},
    {"name": "aggregate", "kind": "aggregate", "destination": {"node": "nas", "path": "/tank/quarterdeck"}, "schedule": "50 * * * *"},
    {"name": "backup", "kind": "backup", "remote": ":s3:quarterdeck-backup/games", "destination": {"node": "nas", "path": "/tank/quarterdeck"}, "schedule": "0 * * * *"},
    {"name": "update-code", "kind": "update_code", "repo": "~/run", "ref": "main", "sources": "tag:owned", "batch": 2},
    {"name": "prune", "kind": "prune", "destination": {"node": "nas", "path": "/tank/quarterdeck"}, "keep": "2d"},
    {"name": "nightly", "kind": "pipeline", "steps": ["sync", "aggregate", "backup"], "schedule": "30 2 * * *"},
    {"name": "driver-versions", "kind": "command", "command": ["nvidia-smi", "--query-gpu=driver_version", "--format=csv"], "sources": "tag:train"},
    {"name": "clean-tmp", "kind": "command", "command": ["find", "scratch", "-name", "selfplay-*", "-mtime", "+7", "-delete"]},
)  # fmt: skip
_NEVER = {
    "sync": ("delete anything, on a node or at the destination", "put a smaller or older file over a larger or newer one"),
    "aggregate": ("change what was synced", "count a record twice"),
    "backup": ("delete anything in the store",),
    "prune": ("remove a record that is not proven to be aggregated and backed up", "remove a file that changed since"),
    "update_code": ("throw local changes away", "go on after a failure"),
}  # fmt: skip
_DOES = {
    "sync": "brings what is whole of each dataset, then checks each file's hash at the destination",
    "aggregate": "merges what was synced into partitioned Parquet, each record once",
    "backup": "copies consolidated data to the store and compares each checksum; the manifest comes last",
    "prune": "frees disk of records that are aggregated and backed up",
    "update_code": "fetches and switches two nodes at a time; the next when the workers of these progress again",
    "pipeline": "sync, aggregate, backup, one after another; stops at the first that fails",
    "command": "runs one command on each node and keeps what it says",
}
_RECORD_BYTES = 1_380


class DemoJobs(JobOperations):
    """Only what a node would be asked is made up."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.hasty = False  # a demo that stands still waits for nothing

    async def plan(self, one: str | JobSettings, nodes: Sequence[str] | None = None) -> JobPlan:
        job = self.job(one) if isinstance(one, str) else one
        orders, chosen = await self._ordered(job, nodes or ())
        node = self._store.nodes[chosen.here]
        bare = JobPlan(job, chosen.here, spec_of(job, orders, node.spec), orders, _DOES[job.kind], warnings=chosen.notes)  # fmt: skip
        if chosen.refusals:
            return replace(bare, refusals=chosen.refusals)
        if not self.hasty:
            await asyncio.sleep(THINKS_S)
        where = chosen.sources if job.kind not in ("aggregate", "backup", "pipeline") else ()
        shares = tuple(self._share(bare, self._store.nodes[each]) for each in where)
        if not where:
            shares = (self._share(bare, self._store.nodes.get(chosen.destination, node)),)
        return replace(bare, hosts=shares, never=_NEVER.get(job.kind, ()))

    async def _settled(self, here: str) -> None:
        """One machine of the demo never settles."""

    def _share(self, plan: JobPlan, node: Node) -> HostShare:
        if node.state in ("down", "attention"):
            problem = getattr(node.link, "problem", None)
            why = problem.text if problem else "it does not answer"
            return HostShare(node.name, "", problem=why)
        share = fraction(node.name, "unsynced", plan.name)
        return _SHARES.get(plan.job.kind, _commanded)(plan, node, share)


async def way(spec: NodeSpec) -> Unattended:
    """How ssh would reach a machine of the demo."""
    return Unattended(("ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-l", "mara", "--", spec.address or spec.name))  # fmt: skip


def _records(node: Node) -> int:
    found = machine_named(node.name)
    return sum(records for _, records, _ in found.data) if found else 0


def _synced(plan: JobPlan, node: Node, share: float) -> HostShare:
    records = int(_records(node) * share * 0.1)
    if plan.job.direction == "push":
        return HostShare(node.name, "sends data/models", 3, 412_000_000, (_rsync(node, "data/models/", f"{node.name}:run/data/models/"),))  # fmt: skip
    if not records:
        return HostShare(node.name, "holds nothing new", 0, 0)
    goal = f"/tank/quarterdeck/.quarterdeck/staging/{plan.spec.run_id[:12]}/{node.name}/"
    does = f"{records:,} records to nas"
    notes = ("3 files are still being written: their whole lines come",) if share > 0.7 else ()
    return HostShare(node.name, does, records // 512 + 1, records * _RECORD_BYTES, (_rsync(node, f"{node.name}:run/", goal),), notes)  # fmt: skip


def _rsync(node: Node, source: str, goal: str) -> tuple[str, ...]:
    return ("rsync", "--archive", "--partial", "--checksum", "--files-from=-", "--rsh", f"ssh -o BatchMode=yes -l mara -- {node.spec.address}", source, goal)  # fmt: skip


def _merged(plan: JobPlan, node: Node, share: float) -> HostShare:
    return HostShare(node.name, "merges 214,880 new records into generation 18", 1_204, 296_000_000)


def _backed(plan: JobPlan, node: Node, share: float) -> HostShare:
    argv = ("rclone", "copy", "--checksum", "--immutable", "/tank/quarterdeck/hex8_2p/consolidated/gen-000017", f"{plan.job.remote}/hex8_2p/gen-000017")  # fmt: skip
    return HostShare(node.name, "copies generation 17", 48, 61_000_000_000, (argv,))


def _pruned(plan: JobPlan, node: Node, share: float) -> HostShare:
    records = int(_records(node) * share * 0.4)
    return HostShare(node.name, f"frees {records:,} records, proven by generation 16", records // 512, records * _RECORD_BYTES)  # fmt: skip


def _updated(plan: JobPlan, node: Node, share: float) -> HostShare:
    commands = (("git", "-C", plan.job.repo, "fetch", "--prune"), ("git", "-C", plan.job.repo, "switch", "--detach", f"origin/{plan.job.ref}"))  # fmt: skip
    problem = "local changes in games/rules.py, and auto_stash is off" if share > 0.9 else None
    return HostShare(node.name, "4f0c2d1 → 9be01aa (3 commits)", commands=commands, problem=problem)


def _piped(plan: JobPlan, node: Node, share: float) -> HostShare:
    argv = tuple(("python", "-m", "workers.jobs", step) for step in plan.job.steps)
    return HostShare(node.name, "starts each step when the one before it is done", commands=argv)


def _commanded(plan: JobPlan, node: Node, share: float) -> HostShare:
    return HostShare(node.name, "runs it in ~/run", commands=(plan.job.command,))


_SHARES = {"sync": _synced, "aggregate": _merged, "backup": _backed, "prune": _pruned,
           "update_code": _updated, "pipeline": _piped}  # fmt: skip
