"""Which files of a node may go, and why the others stay. Pure.

What is not proven to lie elsewhere, byte for byte, stays.
"""

import posixpath
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from workers.errands.shapes import Manifests
from workers.ledger.names import place_of
from workers.ledger.shapes import JOURNAL, SHARD, SQLITE, Aggregated, DataFile, Synced
from workers.ledger.standing import covering, newest_synced

GOES, KEPT, UNPROVEN = "goes", "kept", "unproven"


class Verdict(NamedTuple):
    """``what``: it goes; it is kept though it is safe, or is still at work; it is nowhere else for sure.

    ``hash`` is that of the whole file, where it goes; ``copy`` where it lies below the destination.
    """

    dataset: str
    file: DataFile
    what: str
    reason: str
    hash: str = ""
    copy: str = ""


@dataclass(frozen=True)
class Rules:
    """``keep_after_ns``: files changed since then stay."""

    needs_backup: bool
    keep_after_ns: int
    keep_hours: float = 0.0


def decide(
    dataset: str, files: Sequence[DataFile], manifests: Manifests, node_key: str, rules: Rules
) -> list[Verdict]:
    """One verdict for each file, in order."""
    newest = newest_synced(manifests.synced, node_key)
    merged = _merged(manifests.aggregated, node_key)
    backed_up = max((entry.generation for entry in manifests.backed_up), default=-1)
    writing = _newest_of_folders(files)
    found = []
    for file in files:
        stays = _at_work(file, writing, rules)
        entry = newest.get(file.path)
        if file.size == 0:
            verdict = Verdict(dataset, file, KEPT, stays)
        elif covering(file, entry).bytes < file.size or entry is None:
            verdict = Verdict(dataset, file, UNPROVEN, _not_synced(file, entry is None))
        elif (file.path, entry.bytes, entry.hash) not in merged:
            verdict = Verdict(dataset, file, UNPROVEN, "not aggregated")
        else:
            generation = merged[file.path, entry.bytes, entry.hash].generation
            verdict = _safe(dataset, file, entry, generation, backed_up, rules)
        if stays and verdict.what == GOES:
            verdict = verdict._replace(what=KEPT, reason=stays)
        found.append(verdict)
    return found


def _safe(
    dataset: str, file: DataFile, entry: Synced, generation: int, backed_up: int, rules: Rules
) -> Verdict:
    where = f"in generation {generation}"
    if not rules.needs_backup:
        copy = place_of(dataset, entry.node, file.path)
        return Verdict(dataset, file, GOES, f"{where}; no backup is asked for", entry.hash, copy)
    if generation > backed_up:
        last = "none is" if backed_up < 0 else f"up to {backed_up} they are"
        return Verdict(dataset, file, UNPROVEN, f"{where}, not backed up ({last})")
    return Verdict(dataset, file, GOES, f"{where}, backed up", entry.hash)


def _merged(
    aggregated: Iterable[Aggregated], node_key: str
) -> dict[tuple[str, int, str], Aggregated]:
    """The first entry of each: from that generation on its records are in the store."""
    found: dict[tuple[str, int, str], Aggregated] = {}
    for entry in aggregated:
        if entry.node_key == node_key:
            found.setdefault((entry.path, entry.bytes, entry.hash), entry)
    return found


def _newest_of_folders(files: Sequence[DataFile]) -> set[str]:
    """The file of each folder that somebody may still be writing to; a sealed shard is never that one."""
    newest: dict[str, DataFile] = {}
    for file in files:
        if file.kind == SHARD:
            continue
        before = newest.setdefault(posixpath.dirname(file.path), file)
        if (file.mtime_ns, file.path) > (before.mtime_ns, before.path):
            newest[posixpath.dirname(file.path)] = file
    return {file.path for file in newest.values()}


def _at_work(file: DataFile, writing: set[str], rules: Rules) -> str:
    """Why a file stays whatever is proven of it; "" where nothing speaks for it."""
    if file.size == 0:
        return "empty: nothing would be freed"
    if file.kind == JOURNAL:
        return "a journal that is being written"
    if file.kind == SQLITE:
        return "a database: what was synced is a snapshot, not the file"
    if file.path in writing:
        return "the newest of its folder: somebody may still write to it"
    if file.mtime_ns > rules.keep_after_ns:
        return f"younger than {rules.keep_hours:g} h (keep_hours)"
    return ""


def _not_synced(file: DataFile, never: bool) -> str:
    if never:
        return "not synced"
    if file.prefix_bytes < file.size:
        return f"its last {file.size - file.prefix_bytes} bytes are no whole line"
    return "has grown or changed since it was synced"


def rules_of(needs_backup: bool, keep_hours: float, now: float | None = None) -> Rules:
    """``now`` in seconds since 1970."""
    moment = time.time() if now is None else now
    return Rules(needs_backup, int((moment - keep_hours * 3600) * 1e9), keep_hours)
