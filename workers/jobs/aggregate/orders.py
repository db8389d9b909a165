"""What a document asks for, and what the manifests say is to be done."""

import shutil
from pathlib import Path
from typing import NamedTuple

from workers.harness import CorruptData, Misconfigured, cpu_threads
from workers.jobs.aggregate.generation import Orders, entries_of
from workers.jobs.aggregate.parts import PART_BYTES
from workers.jobs.aggregate.sources import Pending, pending
from workers.jobs.aggregate.store import Store
from workers.jobs.document import Dataset, Document
from workers.jobs.plan import byte_text
from workers.jobs.stores import store_of
from workers.ledger.manifest import Manifest, folder_of
from workers.ledger.shapes import Aggregated

MEMORY_BYTES = 1024 * 1024 * 1024
_LEAST_MEMORY = 128 * 1024 * 1024
_GENERATION_BYTES = 4 * 1024 * 1024 * 1024
GENERATION_FILES = 100_000
_SHARE = 0.6  # of their bytes that records of text take in the store, at most


class Task(NamedTuple):
    """One dataset. ``missing``: what manifests of the store say and the ledger does not, after a death between
    the two."""

    orders: Orders
    store: Store
    pending: Pending
    missing: tuple[Aggregated, ...]
    ledger: Manifest
    warnings: tuple[str, ...]
    newest: dict[str, float]
    """When something of each node was last synced, seconds since 1970."""

    @property
    def new_bytes(self) -> int:
        """To be read."""
        return sum(each.new_bytes for each in self.pending.sources)


def root_of(document: Document) -> Path:
    """Raises Misconfigured where the data lie elsewhere."""
    if document.destination.node != document.here:
        raise Misconfigured(
            f"the job runs on {document.here}, but the data lie on {document.destination.node}: "
            "records are merged where they lie, start it there"
        )
    return Path(document.destination.path).expanduser()


def generation_bytes(document: Document) -> int:
    """How much is read for one generation, at least: what a killed run loses at most."""
    return document.fields().whole("generation_bytes", _GENERATION_BYTES, least=1)


def task_of(document: Document, dataset: Dataset) -> Task:
    """Reads the manifests. Raises Misconfigured, CorruptData, OSError."""
    root, fields = root_of(document), document.fields()
    folder = root / dataset.name
    kept = folder_of(str(root), dataset.name)
    synced, ledger = Manifest(kept, "synced"), Manifest(kept, "aggregated")
    seen, known = synced.read(), ledger.read()
    store = Store(store_of(document, dataset.name))
    store.open()
    missing = _missing(store, known.entries)
    orders = Orders(
        dataset.name,
        folder,
        _table(dataset),
        document.run,
        document.fence,
        fields.whole("memory_bytes", MEMORY_BYTES, least=_LEAST_MEMORY),
        cpu_threads(),
        fields.whole("part_bytes", PART_BYTES, least=1),
    )
    damaged = (*(f"{synced.path}: {text}" for text in seen.damaged),
               *(f"{ledger.path}: {text}" for text in known.damaged))  # fmt: skip
    todo = pending(seen.entries, [*known.entries, *missing])
    newest: dict[str, float] = {}
    for entry in seen.entries:
        newest[entry.node] = max(entry.at, newest.get(entry.node, 0.0))
    return Task(orders, store, todo, missing, ledger, damaged, newest)


def no_room(task: Task, fraction: float) -> str:
    """Why the store's disk is too small; "" where it is not. ``fraction``: of its free space."""
    place = next(path for path in (task.store.folder, *task.store.folder.parents) if path.exists())
    free = shutil.disk_usage(place).free
    needed = int(task.new_bytes * _SHARE)
    if needed <= free * fraction:
        return ""
    return (
        f"{task.orders.dataset}: about {byte_text(needed)} for the store, and only {fraction:.0%} of the "
        f"{byte_text(free)} free at {place} may be taken (space_fraction)"
    )


def _table(dataset: Dataset) -> str:
    method, _, table = dataset.count.partition(":")
    return table if method == "sqlite" else ""


def _missing(store: Store, known: tuple[Aggregated, ...]) -> tuple[Aggregated, ...]:
    """Raises CorruptData where the ledger knows generations that are not there: their records would be
    neither in the store nor read again."""
    there = {manifest["generation"] for manifest in store.manifests}
    gone = sorted({entry.generation for entry in known} - there)
    if gone:
        raise CorruptData(
            f"{store.folder}: generation {gone[0]} is not there, though the ledger has it as aggregated; "
            "restore it from a backup. Nothing was done"
        )
    said = {(e.node_key, e.path, e.bytes, e.hash, e.generation) for e in known}
    return tuple(
        entry
        for manifest in store.manifests
        for entry in entries_of(manifest)
        if (entry.node_key, entry.path, entry.bytes, entry.hash, entry.generation) not in said
    )
