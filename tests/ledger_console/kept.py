"""A destination made by hand: what jobs would have written about a node's files."""

from __future__ import annotations

import hashlib
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

from workers.agent.identity import node_key
from workers.ledger.manifest import Manifest, folder_of
from workers.ledger.shapes import Aggregated, BackedUp, Synced


def own_key() -> str:
    """The key that an agent on this machine says."""
    return node_key(socket.gethostname())


def lines(path: Path, count: int, word: str = "record") -> None:
    """A file of so many whole lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f'{{"{word}": {number}}}\n' for number in range(count)))


@dataclass
class Kept:
    """One dataset at `destination`; `root` is the node's."""

    destination: Path
    dataset: str
    root: Path
    node: str = "local"
    key: str = field(default_factory=own_key)

    def sync(self, path: str) -> Synced:
        """The file's present bytes count as synced."""
        file = self.root / path
        data, status = file.read_bytes(), file.stat()
        entry = Synced(
            self.node, self.key, path, len(data), data.count(b"\n"),
            hashlib.blake2b(data, digest_size=16).hexdigest(),
            status.st_mtime_ns, status.st_size, time.time(),
        )  # fmt: skip
        self._manifest("synced").append([entry])
        return entry

    def aggregate(self, entry: Synced, generation: int = 1) -> None:
        """All of a synced file is in the store."""
        records = entry.records or 0
        line = Aggregated(
            self.node, self.key, entry.path, entry.bytes, entry.hash, records, generation, records,
            0, 0, time.time(),
        )  # fmt: skip
        self._manifest("aggregated").append([line])

    def back_up(self, generation: int = 1) -> None:
        """Everything up to that generation lies at the remote."""
        line = BackedUp(generation, ":s3:bucket/data", 1, 100, "0" * 32, time.time())
        self._manifest("backed_up").append([line])

    def path(self, kind: str) -> Path:
        return Path(folder_of(str(self.destination), self.dataset)) / f"{kind}.jsonl"

    def _manifest(self, kind: str) -> Manifest:
        return Manifest(folder_of(str(self.destination), self.dataset), kind)
