"""Nodes and destinations in a folder, and syncs of them run in this process."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from workers.harness import Worker, WorkerError
from workers.jobs import sync
from workers.jobs.document import Document, parse
from workers.ledger.manifest import Manifest, folder_of
from workers.ledger.shapes import Synced

LONG_AGO_NS = 1_700_000_000 * 10**9


class Scene:
    """A node's root and a destination, both on this machine; ``ssh`` may be put between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "node"
        self.destination = folder / "data"
        self.root.mkdir()
        self.ssh: list[str] | None = None
        self.fence = 1
        self.changes: dict[str, Any] = {}
        self.nodes = {"gpu-1": self.root}

    def body(self, **changes: Any) -> dict[str, Any]:
        self.fence += 1
        hosts = {
            name: {"ssh": self.ssh, "root": str(root), "node_key": None}
            for name, root in self.nodes.items()
        }
        names = list(self.nodes)
        return {
            "schema": 1, "job": "sync", "kind": "sync", "run": f"run-{self.fence}", "by": "test",
            "here": "local", "fence": self.fence, "hosts": hosts,
            "datasets": [
                {"name": "games", "paths": ["d/**/*.jsonl"], "count": "lines", "nodes": names},
                {"name": "files", "paths": ["f/**"], "count": "files", "nodes": names},
                {"name": "db", "paths": ["q/*.db"], "count": "sqlite:games", "nodes": names},
            ],
            "sources": names,
            "destination": {"node": "local", "path": str(self.destination)},
            "limits": {"concurrency": 2, "retries": 0},
            **self.changes, **changes,
        }  # fmt: skip

    def document(self, **changes: Any) -> Document:
        return parse(self.body(**changes))

    def write_document(self, **changes: Any) -> Path:
        path = self.folder / "document.json"
        path.write_text(json.dumps(self.body(**changes)))
        return path

    def put(self, name: str, data: bytes | str, root: Path | None = None, age_s: int = 0) -> Path:
        """A file of the node, long settled; ``age_s`` later than the oldest."""
        path = (root or self.root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        moment = LONG_AGO_NS + age_s * 10**9
        os.utime(path, ns=(moment, moment))
        return path

    def run(self, **changes: Any) -> Worker:
        """Raises what the job raises."""
        worker = Worker("file", 5.0)
        sync.run(worker, self.document(**changes))
        return worker

    def failing(self, **changes: Any) -> WorkerError:
        try:
            self.run(**changes)
        except WorkerError as error:
            return error
        raise AssertionError("it went well")

    def copy(self, dataset: str, path: str, node: str = "gpu-1") -> Path:
        return self.destination / dataset / node / path

    def synced(self, dataset: str = "games") -> list[Synced]:
        found = Manifest(folder_of(str(self.destination), dataset), "synced").read()
        assert found.damaged == ()
        return list(found.entries)

    def check(self) -> None:
        """Every line of every manifest stands for a file that is what it says."""
        for folder in self.destination.iterdir() if self.destination.exists() else ():
            if folder.name.startswith("."):
                continue
            newest = {(e.node, e.path): e for e in self.synced(folder.name)}
            for (node, path), entry in newest.items():
                data = self.copy(folder.name, path, node).read_bytes()
                assert len(data) == entry.bytes
                assert hashlib.blake2b(data, digest_size=16).hexdigest() == entry.hash


def parts(worker: Worker) -> dict[str, Any]:
    return {part["name"]: part for part in worker._extra["parts"]}


_FAKE_SSH = """#!/bin/sh
# A machine that is this one: takes the words of ssh, runs the command by its own shell.
[ "$1" = -- ] && shift
shift
{before}
exec sh -c "$*"
"""


def fake_ssh(folder: Path, name: str = "gpu-1", before: str = "") -> list[str]:
    """An `ssh` of the document that needs no sshd; ``before`` is shell run on the "machine" first."""
    path = folder / f"ssh-{name}"
    path.write_text(_FAKE_SSH.format(before=before))
    path.chmod(0o755)
    return [str(path), "--", name]


def script(folder: Path, name: str, text: str) -> Path:
    """An executable shell script in a folder that is made."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path
