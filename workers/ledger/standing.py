"""What the manifests prove of a node's files. Pure.

Never in doubt for the node: what is not proven to lie elsewhere, byte for byte, counts as only here.

Standard library only, Python 3.9.
"""

from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from workers.ledger.safety import Safety, is_safe
from workers.ledger.shapes import (
    JOURNAL,
    LINES,
    SHARD,
    SQLITE,
    Aggregated,
    BackedUp,
    DataFile,
    Standing,
    Synced,
)

__all__ = ["Proof", "Safety", "covering", "is_safe", "newest_synced", "standing"]

_Mark = Tuple[str, int, str]  # path, bytes, hash


class Proof(NamedTuple):
    """How much of one file is known to be elsewhere: bytes, and the records in them."""

    bytes: int = 0
    records: Optional[int] = 0
    entry: Optional[Synced] = None  # the one that proves it


def covering(file: DataFile, newest: Optional[Synced]) -> Proof:
    """What the newest synced entry of this very file proves of it; nothing where it proves nothing.

    A line file that only grew is proven as far as it went: the job that syncs the rest compares the hash.
    """
    if newest is None or newest.path != file.path or file.kind == JOURNAL:
        return Proof()
    same_time = newest.size == file.size and newest.mtime_ns == file.mtime_ns >= 0
    if file.kind == SQLITE:  # its snapshot need not be as long as it is
        return Proof(file.size, file.records, newest) if same_time else Proof()
    if newest.bytes > file.prefix_bytes:
        return Proof()
    if file.kind == SHARD and file.sealed_hash and newest.bytes == newest.size == file.size:
        return Proof(file.size, file.records, newest)
    if newest.bytes == file.prefix_bytes and same_time:
        return Proof(newest.bytes, file.records, newest)
    if file.kind == LINES and newest.size < file.size:
        return Proof(newest.bytes, newest.records, newest)
    return Proof()


def newest_synced(synced: Iterable[Synced], node_key: str) -> Dict[str, Synced]:
    """Path → the last entry of this machine; later lines of the manifest are newer."""
    return {entry.path: entry for entry in synced if entry.node_key == node_key}


def standing(
    files: Sequence[DataFile],
    synced: Sequence[Synced],
    aggregated: Sequence[Aggregated],
    backed_up: Optional[Sequence[BackedUp]],
    node_key: str,
    dataset: str = "",
    problem: Optional[str] = None,
) -> Standing:
    """Adds up one dataset of one node. Entries come in the order of their manifests.

    ``backed_up`` None: nothing is known of backups. ``problem``: why the files or the manifests are not all
    that there is (an unreadable file, an unreachable destination); it makes the standing unknown.
    """
    newest = newest_synced(synced, node_key)
    merged = _Merged(synced, aggregated, node_key)
    generation = max([entry.generation for entry in backed_up or ()], default=-1)
    produced, unsynced, apart, unsafe = _Sum(), _Sum(), _Sum(), _Sum()
    for file in files:
        proof = covering(file, newest.get(file.path))
        entry = merged.of(file, proof)
        part = _part(proof, entry)
        produced.whole(file)
        unsynced.rest(file, proof)
        apart.rest(file, part)
        unsafe.rest(file, part if entry and entry.generation <= generation else Proof())
    found = Standing(dataset)._replace(
        **produced.fields("produced_{}"),
        **unsynced.fields("unsynced_{}"),
        **apart.fields("unaggregated_{}"),
        last_synced_at=max([e.at for e in synced if e.node_key == node_key], default=None),
        last_aggregated_at=max([e.at for e in aggregated if e.node_key == node_key], default=None),
        unknown=problem,
    )
    if backed_up is None:
        return found
    last = max([entry.at for entry in backed_up], default=None)
    return found._replace(**unsafe.fields("not_backed_up_{}"), last_backed_up_at=last)


class _Merged:
    """Which bytes of this machine's files were aggregated."""

    def __init__(
        self, synced: Sequence[Synced], aggregated: Sequence[Aggregated], node_key: str
    ) -> None:
        self._entries: Dict[_Mark, Aggregated] = {}
        for entry in aggregated:
            mark = (entry.path, entry.bytes, entry.hash)
            known = self._entries.get(mark)
            if entry.node_key == node_key and (
                known is None or entry.generation < known.generation
            ):
                self._entries[mark] = entry
        self._earlier: Dict[str, List[Aggregated]] = {}
        self._fill([entry for entry in synced if entry.node_key == node_key])

    def _fill(self, synced: List[Synced]) -> None:
        for entry in synced:
            found = self._entries.get((entry.path, entry.bytes, entry.hash))
            if found is not None:
                self._earlier.setdefault(entry.path, []).append(found)

    def of(self, file: DataFile, proof: Proof) -> Optional[Aggregated]:
        """The entry of exactly what is synced, or of the longest earlier part of a file that grew."""
        if proof.entry is None:
            return None
        mark = (file.path, proof.entry.bytes, proof.entry.hash)
        exact = self._entries.get(mark)
        if exact is not None or file.kind != LINES:
            return exact
        shorter = [e for e in self._earlier.get(file.path, ()) if e.bytes < proof.entry.bytes]
        return max(shorter, key=lambda entry: entry.bytes, default=None)


def _part(proof: Proof, entry: Optional[Aggregated]) -> Proof:
    """What of a file is proven by an aggregated entry: the synced part, or the earlier part of it."""
    if entry is None or proof.entry is None:
        return Proof()
    if (entry.bytes, entry.hash) == (proof.entry.bytes, proof.entry.hash):
        return proof
    return Proof(entry.bytes, entry.records)


class _Sum:
    """Adds up files, or what is not proven of them."""

    def __init__(self) -> None:
        self._records: Optional[int] = 0
        self._bytes = 0
        self._files = 0

    def whole(self, file: DataFile) -> None:
        self._add(file.size, file.records)

    def rest(self, file: DataFile, proof: Proof) -> None:
        """What is left of a file; an empty one has nothing to lose."""
        if file.size > proof.bytes:
            known = file.records is not None and proof.records is not None
            records = max(0, (file.records or 0) - (proof.records or 0)) if known else None
            self._add(file.size - proof.bytes, records)

    def _add(self, size: int, records: Optional[int]) -> None:
        self._files += 1
        self._bytes += size
        self._records = None if None in (self._records, records) else self._sum(records)

    def _sum(self, records: Optional[int]) -> int:
        return (self._records or 0) + (records or 0)

    def fields(self, name: str) -> Dict[str, Any]:
        """The three figures under the names a standing has for them."""
        figures = {"records": self._records, "bytes": self._bytes, "files": self._files}
        return {name.format(word): figure for word, figure in figures.items()}
