"""The worker that starts jobs when they are due, with or without a console."""

from __future__ import annotations

import json
import sys

from console.operations.jobs.spec import surroundings
from workers.protocol import RestartRule, WorkerSpec

NAME = "schedule"
_SCHEMA = 1


def schedule_spec(run_id: str, by: str, config: str | None) -> WorkerSpec:
    """One a machine; it comes back whatever ends it, and after a start of the machine."""
    orders = {
        "schema": _SCHEMA,
        "kind": NAME,
        "run": run_id,
        "by": by,
        "settings": {"config": config},
    }
    return WorkerSpec(
        run_id=run_id,
        name=NAME,
        command=("python", "-m", "console.conduct", NAME),
        interpreters=(sys.executable,),
        environment=surroundings(),
        restart=RestartRule("always", max_restarts=20),
        on_boot="restart",
        singleton=NAME,
        tags=(NAME,),
        by=by,
        input=(json.dumps(orders),),
    )
