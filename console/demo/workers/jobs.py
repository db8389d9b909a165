"""What a scripted job says of itself, and the orders it was started with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from console.demo.workers.legs import lasts_s, parts
from workers.protocol import Progress

if TYPE_CHECKING:
    from console.demo.workers.cast import Role
    from console.demo.workers.run import DemoRun


def job_progress(run: DemoRun, t: float) -> Progress | None:
    """Its parts as they are now, or were when it ended."""
    role, over = run.role, not run.running
    ended_t = t if run.ended_t is None else run.ended_t
    now_s = ended_t - run.began_t
    if over and run.code == 0:
        now_s = max(now_s, lasts_s(role.legs))
    found = parts(role.legs, now_s, over)
    done = sum(part.done or 0.0 for part in found)
    return Progress(
        phase=role.phase, done=done if found else None,
        total=sum(part.total or 0.0 for part in found) or None, unit=role.unit, message=role.says,
        health="ok", age_s=None if over else t % 2.0, parts=found,
    )  # fmt: skip


def input_of(role: Role) -> tuple[str, ...]:
    """The document that it would have been started with."""
    if role.kind != "job":
        return ()
    hosts = {
        leg.node: {
            "ssh": ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-l", "mara", "--", leg.node],
            "root": "~/run",
        }
        for leg in role.legs
    }  # fmt: skip
    body = {
        "schema": 1, "job": role.name, "kind": role.tags[0], "hosts": hosts,
        "datasets": [{"name": "hex8_2p", "paths": ["data/selfplay/hex8_2p/**/*.jsonl"], "count": "lines"}],
        "sources": list(hosts), "destination": {"node": "nas", "path": "/tank/quarterdeck"},
        "limits": {"concurrency": 2, "space_fraction": 0.5, "retries": 3},
    }  # fmt: skip
    return (json.dumps(body),)
