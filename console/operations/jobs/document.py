"""The orders of a job as one JSON document, schema 1: every name in it is resolved. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from console.fleet.model import Node
from console.operations.jobs.hosts import kib
from console.operations.jobs.selection import Selection
from console.settings.jobs import JobSettings, TrainingSettings
from console.settings.model import Settings
from console.settings.selectors import selects

SCHEMA = 1


class Stamp(NamedTuple):
    """What makes one run this run. `fence` grows from run to run, whoever starts them."""

    run: str
    by: str
    fence: int


def document(
    job: JobSettings,
    stamp: Stamp,
    chosen: Selection,
    hosts: Mapping[str, Mapping[str, Any]],
    settings: Settings,
    nodes: Mapping[str, Node],
) -> dict[str, Any]:
    """As `workers.jobs` and `console.conduct` read it."""
    return {
        "schema": SCHEMA,
        "job": job.name,
        "kind": job.work,
        **stamp._asdict(),
        "here": chosen.here,
        "hosts": {name: dict(host) for name, host in hosts.items()},
        "datasets": _datasets(job, chosen, settings, nodes),
        "sources": list(chosen.sources),
        "destination": {"node": chosen.destination, "path": job.destination.path},
        "limits": {
            "concurrency": job.concurrency,
            "bandwidth_kib_s": kib(job.bandwidth),
            "space_fraction": job.space,
            "retries": job.retry.attempts,
            "timeout_s": job.timeout,
        },
        "options": _train(job, settings.training) if job.train else _OPTIONS[job.kind](job),
    }


def _datasets(
    job: JobSettings, chosen: Selection, settings: Settings, nodes: Mapping[str, Node]
) -> list[dict[str, Any]]:
    found = []
    for dataset in settings.datasets:
        if job.datasets and dataset.name not in job.datasets:
            continue
        here = [n for n in chosen.sources if selects(dataset.nodes, n, nodes[n].spec.tags)]
        if here or job.kind not in ("sync", "prune"):  # what came from nodes that went counts too
            found.append(
                {
                    "name": dataset.name,
                    "paths": list(dataset.paths),
                    "count": dataset.count,
                    "nodes": here,
                }
            )
    return found


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, "")}


def _sync(job: JobSettings) -> dict[str, Any]:
    paths = {"paths": list(job.paths)} if job.paths else {}
    return {"direction": job.direction, **paths}


def _aggregate(job: JobSettings) -> dict[str, Any]:
    return _given(store=job.store, memory_bytes=job.memory)


def _backup(job: JobSettings) -> dict[str, Any]:
    return {
        "remote": job.remote,
        "rclone_config": job.rclone_config,
        "what": list(job.what),
        "models": list(job.models),
        **_given(store=job.store),
    }


def _restore(job: JobSettings) -> dict[str, Any]:
    return {
        "remote": job.remote,
        "rclone_config": job.rclone_config,
        "to": job.to,
        "generation": job.generation,
    }


def _prune(job: JobSettings) -> dict[str, Any]:
    return {"without_backup": job.without_backup, "keep_hours": job.keep / 3600}


def _update_code(job: JobSettings) -> dict[str, Any]:
    return {
        "repo": job.repo,
        "ref": job.ref,
        "auto_stash": job.auto_stash,
        "batch": job.batch,
        "healthy_within_s": job.healthy_within,
    }


def _command(job: JobSettings) -> dict[str, Any]:
    return {"command": list(job.command), "directory": job.directory}


def _pipeline(job: JobSettings) -> dict[str, Any]:
    return {"steps": list(job.steps)}


def _train(job: JobSettings, training: TrainingSettings) -> dict[str, Any]:
    fast = {"wsl_sync": training.wsl_path, "native_sync": training.native_path}
    return {
        "mode": training.mode,
        "source": job.source,
        "fast": job.fast_directory or fast.get(training.mode, ""),
        "results": list(job.results),
        "command": list(job.train),
        "python": list(job.python),
        "wsl_distro": training.wsl_distro,
    }


_OPTIONS = {
    "sync": _sync,
    "aggregate": _aggregate,
    "backup": _backup,
    "restore": _restore,
    "prune": _prune,
    "update_code": _update_code,
    "command": _command,
    "pipeline": _pipeline,
}
