"""Documents of jobs for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workers.jobs.document import Document, parse


def body(**changes: Any) -> dict[str, Any]:
    """A whole document, with what a test wants otherwise."""
    return {
        "schema": 1,
        "job": "sync",
        "kind": "sync",
        "run": "run-1",
        "by": "ada@desk",
        "here": "local",
        "fence": 17,
        "hosts": {
            "gpu-1": {
                "ssh": ["ssh", "-o", "BatchMode=yes", "--", "root@10.0.0.3"],
                "root": "~/run",
            },
            "gpu-2": {"ssh": None, "root": "/srv/run", "node_key": "k2", "tags": ["x"]},
        },
        "datasets": [
            {"name": "games", "paths": ["data/*.jsonl"], "count": "lines", "nodes": ["gpu-1"]}
        ],
        "sources": ["gpu-1", "gpu-2"],
        "destination": {"node": "local", "path": "~/data"},
        "limits": {"concurrency": 2, "retries": 3},
        "options": {},
        **changes,
    }


def document(**changes: Any) -> Document:
    return parse(body(**changes))


def write(path: Path, found: dict[str, Any]) -> Path:
    import json

    path.write_text(json.dumps(found))
    return path
