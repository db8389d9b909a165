"""What was last known of the ledger, kept for the next console: figures with their age, never a proof."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from console.fleet.events import DestinationsRead, LedgerRecalled
from console.fleet.ledger import EARLIER, Consolidated, Entry, LedgerBook
from console.fleet.store import FleetStore
from workers.ledger.shapes import Standing
from workers.protocol import ProtocolError, decode, plain

SCHEMA = 1
MOST_BYTES = 16 * 1024 * 1024


class LedgerCache:
    """The file at `path`. Whatever is wrong with it, it is done without."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def recall(self, store: FleetStore, at: float) -> None:
        """Gives the store what the file holds of the nodes there are and of all datasets."""
        nodes, datasets = self._read()
        for name in store.nodes:
            if name in nodes:
                key, entries = nodes[name]
                store.apply(LedgerRecalled(name, at, key, entries))
        if datasets:
            store.apply(DestinationsRead(at, datasets))

    def entries(self, node: str) -> tuple[Entry, ...]:
        """What the file holds of a node; nothing where it holds none."""
        return self._read()[0].get(node, ("", ()))[1]

    async def save(self, book: LedgerBook) -> None:
        """Writes what `book` knows over what the file holds of the same nodes. Never raises OSError."""
        nodes = {
            name: {"node_key": key, "entries": [_plain_entry(e) for e in entries.values()]}
            for name, (key, entries) in book.nodes.items()
        }
        held = [vars(each).copy() for each in book.datasets]
        await asyncio.to_thread(self._write, nodes, held)

    # ------------------------------------------------------------ the file

    def _read(self) -> tuple[dict[str, tuple[str, tuple[Entry, ...]]], tuple[Consolidated, ...]]:
        try:
            found = self._load()
            nodes = {
                str(name): (str(node["node_key"]), tuple(map(_entry, node["entries"])))
                for name, node in found["nodes"].items()
            }
            return nodes, tuple(_held(each) for each in found["datasets"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}, ()

    def _load(self) -> dict[str, Any]:
        with open(self.path, "rb") as file:
            found: dict[str, Any] = json.loads(file.read(MOST_BYTES))
        if found["schema"] != SCHEMA:
            raise ValueError(f"schema {found['schema']}")
        return found

    def _write(self, nodes: dict[str, Any], held: list[dict[str, Any]]) -> None:
        try:
            before = self._load()["nodes"]
        except (OSError, ValueError, KeyError, TypeError):
            before = {}
        text = json.dumps({"schema": SCHEMA, "nodes": {**before, **nodes}, "datasets": held})
        fresh = self.path.with_suffix(f".{os.getpid()}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with open(file, "w") as out:
                out.write(text)
            os.replace(fresh, self.path)
        except OSError:
            fresh.unlink(missing_ok=True)


def _plain_entry(entry: Entry) -> dict[str, Any]:
    standing = None if entry.standing is None else plain(entry.standing)
    return {
        "dataset": entry.dataset,
        "clock": entry.clock,
        "stays": entry.stays,
        "standing": standing,
    }


def _entry(found: dict[str, Any]) -> Entry:
    try:
        standing = None if found["standing"] is None else decode(Standing, found["standing"])
    except ProtocolError as error:
        raise ValueError(str(error)) from None
    stays = found.get("stays") is True
    return Entry(str(found["dataset"]), standing, float(found["clock"]), EARLIER, stays)


def _held(found: dict[str, Any]) -> Consolidated:
    held = Consolidated(**{**found, "unknown": EARLIER})
    figures = {key: value for key, value in vars(held).items() if key not in ("dataset", "unknown")}
    if not all(value is None or type(value) in (int, float) for value in figures.values()):
        raise ValueError("a figure is no number")
    return held
