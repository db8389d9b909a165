"""A node's folder and a destination on this machine, and what a job does with them."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from workers.errands.client import Errand
from workers.errands.shapes import Arrival, Dataset, Placed
from workers.ledger.shapes import DataFile, Synced

FENCE = 17
STAGING = ".quarterdeck/staging/r1/gpu-1"
LINES = Dataset("games", ("data/**/*.jsonl",), "lines")


def hash_of(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


class Field:
    """`root` is the node's, `there` the destination; one errand is open, its lock is held."""

    def __init__(self, folder: Path, errand: Errand) -> None:
        self.root = folder / "root"
        self.there = folder / "there"
        (self.root / "data").mkdir(parents=True)
        self.errand = errand
        errand.lock(str(self.there), FENCE, "test")

    def write(self, name: str, data: bytes, age_s: float = 100.0) -> Path:
        """A file of the node, last written so long ago."""
        path = self.root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        when = time.time_ns() - int(age_s * 1e9)
        os.utime(path, ns=(when, when))
        return path

    def listed(self, dataset: Dataset = LINES) -> list[DataFile]:
        return list(self.errand.list(str(self.root), [dataset]).files[dataset.name])

    def entry(self, path: str, data: bytes, mtime_ns: int = 1000, size: int = 0) -> Synced:
        """What `data` under this path would be known by."""
        key = self.errand.node_key
        size = size or len(data)
        return Synced(
            "gpu-1", key, path, len(data), 1, hash_of(data), mtime_ns, size, 1.5, "r1", FENCE
        )

    def stage(self, path: str, data: bytes) -> str:
        """Puts bytes into staging, as rsync would."""
        staged = self.there / STAGING / path
        staged.parent.mkdir(parents=True, exist_ok=True)
        staged.write_bytes(data)
        return f"{STAGING}/{path}"

    def place(self, staged: str, entry: Synced) -> Placed:
        (placed,) = self.errand.place(str(self.there), "games", [Arrival(staged, entry)], FENCE)
        return placed

    def bring(self, path: str, data: bytes, mtime_ns: int = 1000) -> Placed:
        """Stages and places a file."""
        return self.place(self.stage(path, data), self.entry(path, data, mtime_ns))

    def synced(self) -> tuple[Synced, ...]:
        return self.errand.manifests(str(self.there), "games").synced

    def arrived(self, path: str) -> Path:
        return self.there / "games" / "gpu-1" / path
