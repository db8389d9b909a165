"""Entries for tests, each as one would be written."""

from __future__ import annotations

from typing import Any

from workers.ledger.shapes import Aggregated, BackedUp, DataFile, Synced

KEY = "cd" * 16


def listed(path: str = "data/a.jsonl", **changes: Any) -> DataFile:
    """A line file of two records, ten bytes."""
    return DataFile(path, 10, 10, 2, 5_000, kind="lines")._replace(**changes)


def synced(path: str = "data/a.jsonl", **changes: Any) -> Synced:
    """The entry that covers `listed()`."""
    entry = Synced("gpu-1", KEY, path, 10, 2, "ab" * 16, 5_000, 10, 1790000000.5, "r1", 17)
    return entry._replace(**changes)


def aggregated(path: str = "data/a.jsonl", **changes: Any) -> Aggregated:
    """The entry that covers `synced()`."""
    entry = Aggregated("gpu-1", KEY, path, 10, "ab" * 16, 2, 3, 2, 0, 0, 1790000001.5, "r2", 18)
    return entry._replace(**changes)


def backed_up(generation: int = 3, **changes: Any) -> BackedUp:
    """The entry that covers `aggregated()`."""
    entry = BackedUp(generation, ":s3:b/p", 4, 4096, "ef" * 16, 1790000002.5, "r3", 19)
    return entry._replace(**changes)
