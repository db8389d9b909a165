"""The run that a job is: a worker that is expected to finish, with its orders as its input. Pure."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from console.fleet.model import NodeSpec, Transport
from console.settings.jobs import DATA, JobSettings
from workers.protocol import RestartRule, Variable, WorkerSpec

GRACE_S = 30.0
PIECE_CHARACTERS = 30_000  # of one text of the protocol
_VENV = "~/.local/share/quarterdeck/venv"  # what `nodes provision` makes
_NEEDS = {"aggregate": ("duckdb", "pyarrow")}
_OURS = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "SSH_AUTH_SOCK")
_NEVER_HEALTHY_S = 1e9  # however long an attempt lived, it is one of those that may come again


def spec_of(job: JobSettings, document: Mapping[str, Any], node: NodeSpec) -> WorkerSpec:
    """One run of `job` on `node`; its id and who asked are those of the document."""
    module = "console.conduct" if job.conducted else "workers.jobs"
    local = node.transport is not Transport.SSH
    return WorkerSpec(
        run_id=document["run"],
        name=job.name,
        command=("python", "-m", module, job.work),
        kind="job",
        interpreters=(sys.executable,) if job.conducted else _pythons(local),
        needs=_NEEDS.get(job.kind, ()),
        environment=surroundings() if job.conducted else job.plain_environment,
        secrets=job.secrets,
        code="" if job.conducted else "workers",
        restart=RestartRule(
            "asked", job.retry.again, backoff_s=job.retry.backoff,
            backoff_max_s=job.retry.backoff_max, healthy_s=_NEVER_HEALTHY_S,
        ),
        grace_s=GRACE_S,
        singleton=lock_of(job, document["destination"]["node"]),
        singleton_scope="fleet",
        tags=tuple(dict.fromkeys((job.kind, *document["sources"])))[:64],
        by=document["by"],
        input=pieces(document),
    )  # fmt: skip


def lock_of(job: JobSettings, destination: str) -> str:
    """Of jobs with the same destination one runs at a time; what only conducts others holds none of theirs."""
    if job.lock is not None:
        return job.lock.name
    if job.conducted:
        return f"job-{job.name}"
    path = job.destination.path
    folder = "" if path == DATA else "-" + "".join(c if c.isalnum() else "-" for c in path)
    return f"data-{destination}{folder}"


def pieces(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The document as JSON, in texts that the protocol carries."""
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    return tuple(text[at : at + PIECE_CHARACTERS] for at in range(0, len(text), PIECE_CHARACTERS))


def _pythons(local: bool) -> tuple[str, ...]:
    return (sys.executable, _VENV) if local else (".venv", _VENV)


def surroundings(environ: Mapping[str, str] = os.environ) -> tuple[Variable, ...]:
    """What makes a console without a screen this very one: its code, its folders, and who opens its keys."""
    kept = {name: environ[name] for name in _OURS if environ.get(name)}
    found = {"PYTHONPATH": str(Path(__file__).resolve().parents[3]), **kept}
    return tuple(Variable(*item) for item in found.items())
