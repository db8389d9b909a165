"""A destination with copies of nodes, as a sync leaves it, and what lies in its store after a merge."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pyarrow.parquet import ParquetFile

from workers.harness import Worker
from workers.jobs.aggregate.running import merge
from workers.jobs.document import Document, parse
from workers.ledger.manifest import Manifest, folder_of
from workers.ledger.shapes import Aggregated, Synced
from workers.records.consolidated import (
    folder_name,
    generations,
    parts_of,
    read_manifest,
)

DATASET = "games"


def lines_of(*numbers: int) -> list[bytes]:
    """Records of another program."""
    return [
        json.dumps(
            {"board_type": "hex8", "num_players": 2, "winner": n % 2, "total_moves": n, "n": n}
        ).encode()
        for n in numbers
    ]


def text_of(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


class World:
    """``root`` is the destination. The nodes' keys are their names with ``-key``."""

    def __init__(self, root: Path, count: str = "lines") -> None:
        self.root = root
        self.count = count
        self.folder = root / DATASET
        self.store = self.folder / "consolidated"
        self.options: dict[str, Any] = {}

    # ------------------------------------------------------------ what was synced

    def copy(self, node: str, path: str, data: bytes) -> Path:
        """A node's file, verified and named in the manifest."""
        place = self.place(node, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        self.name(node, path, data)
        return place

    def place(self, node: str, path: str) -> Path:
        return self.folder / node / ("_root" + path if path.startswith("/") else path)

    def name(self, node: str, path: str, data: bytes) -> None:
        """Only the line in the manifest."""
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        entry = Synced(node, f"{node}-key", path, len(data), None, digest, 1, len(data), 1.0)
        self.manifest("synced").append([entry])

    def manifest(self, kind: str) -> Manifest:
        return Manifest(folder_of(str(self.root), DATASET), kind)

    # ------------------------------------------------------------ the job

    def document(self, run: str = "run-1", **more: Any) -> Document:
        body = {
            "schema": 1, "job": "aggregate", "kind": "aggregate", "run": run, "here": "local", "fence": 1,
            "datasets": [{"name": DATASET, "count": self.count}], "sources": [],
            "destination": {"node": "local", "path": str(self.root)},
            "limits": {"space_fraction": 1.0}, "options": self.options, **more,
        }  # fmt: skip
        return parse(body)

    def merge(self, **more: Any) -> list[Aggregated]:
        """The entries the ledger got. Raises WorkerError."""
        before = len(self.entries())
        try:
            self.merge_raw(**more)
        finally:
            self.check()
        return self.entries()[before:]

    def merge_raw(self, **more: Any) -> None:
        """Whatever is left behind. Raises WorkerError."""
        merge(Worker("record"), self.document(**more))

    def entries(self) -> list[Aggregated]:
        return list(self.manifest("aggregated").read().entries)

    # ------------------------------------------------------------ what is in the store

    @property
    def manifests(self) -> list[dict[str, Any]]:
        return [read_manifest(self.store, number) for number in generations(self.store)]

    def rows(self) -> list[dict[str, Any]]:
        """Of all generations that have a manifest."""
        found: list[dict[str, Any]] = []
        for manifest in self.manifests:
            for part in parts_of(manifest):
                path = self.store / folder_name(manifest["generation"]) / part.path
                found += ParquetFile(path).read().to_pylist()
        return found

    def lines(self) -> list[bytes]:
        return [row["line"].encode() for row in self.rows()]

    def rejected(self) -> list[dict[str, Any]]:
        found = []
        for manifest in self.manifests:
            if manifest["rejected"]:
                folder = self.store / folder_name(manifest["generation"])
                text = (folder / manifest["rejected"]["path"]).read_text()
                found += [json.loads(line) for line in text.splitlines()]
        return found

    def check(self) -> None:
        """Every manifest tells the truth, no record is there twice, nothing half done is left."""
        ids = Counter(row["id"] for row in self.rows())
        assert [found for found, times in ids.items() if times > 1] == []
        for manifest in self.manifests:
            folder = self.store / folder_name(manifest["generation"])
            for file in manifest["files"]:
                data = (folder / file["path"]).read_bytes()
                assert len(data) == file["bytes"]
                assert hashlib.blake2b(data, digest_size=16).hexdigest() == file["hash"]
            assert manifest["rows"] == sum(part["rows"] for part in manifest["parts"])
            rejected = (manifest["rejected"] or {"records": 0})["records"]
            assert rejected == sum(source["rejected"] for source in manifest["sources"])
            assert manifest["rows"] == sum(source["new"] for source in manifest["sources"])
        if self.store.is_dir():
            names = {path.name for path in self.store.iterdir()}
            assert names == {folder_name(number) for number in generations(self.store)}
