"""Files on a node, and what the ledger says of them."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

from tests.jobs.documents import body
from workers.ledger.manifest import Manifest, folder_of
from workers.ledger.shapes import Aggregated, BackedUp, Synced

DATASET = "games"
HOUR_S = 3600.0


class Node:
    """A folder that stands for a node's root, and the destination ``D`` beside it, on this machine."""

    def __init__(self, folder: Path, node_key: str) -> None:
        self.root = folder / "node"
        self.destination = folder / "D"
        self.node_key = node_key
        self.root.mkdir()
        self.destination.mkdir()

    def write(self, path: str, lines: int, age_h: float = 10.0) -> Path:
        """A file of whole lines, last written so long ago."""
        found = self.root / path
        found.parent.mkdir(parents=True, exist_ok=True)
        found.write_text("".join(f'{{"n": {n}, "of": "{path}"}}\n' for n in range(lines)))
        moment = time.time() - age_h * HOUR_S
        os.utime(found, (moment, moment))
        return found

    def synced(self, path: str) -> Synced:
        """The line a sync of the file as it is now would have written."""
        data = (self.root / path).read_bytes()
        entry = Synced(
            node="gpu-1",
            node_key=self.node_key,
            path=path,
            bytes=len(data),
            records=data.count(b"\n"),
            hash=hashlib.blake2b(data, digest_size=16).hexdigest(),
            mtime_ns=(self.root / path).stat().st_mtime_ns,
            size=len(data),
            at=1.0,
        )
        self._manifest("synced").append([entry])
        copy = self.copy_of(path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
        return entry

    def copy_of(self, path: str) -> Path:
        return self.destination / DATASET / "gpu-1" / path

    def aggregated(self, entry: Synced, generation: int = 1) -> None:
        records = entry.records or 0
        line = Aggregated(
            entry.node, entry.node_key, entry.path, entry.bytes, entry.hash, records, generation,
            new=records, duplicates=0, rejected=0, at=2.0,
        )  # fmt: skip
        self._manifest("aggregated").append([line])

    def backed_up(self, generation: int = 1) -> None:
        line = BackedUp(generation, "s:b", files=2, bytes=10, hash="0" * 32, at=3.0)
        self._manifest("backed_up").append([line])

    def safe(self, path: str, lines: int = 3, age_h: float = 10.0) -> Path:
        """A file whose every record is aggregated in generation 1."""
        found = self.write(path, lines, age_h)
        self.aggregated(self.synced(path))
        return found

    def orders(self, **options: Any) -> dict[str, Any]:
        return body(
            job="prune",
            kind="prune",
            hosts={"gpu-1": {"ssh": None, "root": str(self.root)}},
            datasets=[
                {"name": DATASET, "paths": ["data/*.jsonl"], "count": "lines", "nodes": ["gpu-1"]}
            ],
            sources=["gpu-1"],
            destination={"node": "local", "path": str(self.destination)},
            limits={"retries": 0},
            options=options,
        )

    def _manifest(self, kind: str) -> Manifest:
        return Manifest(folder_of(str(self.destination), DATASET), kind)
