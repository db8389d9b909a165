"""Which copies at the destination hold records that are not in the store yet. Pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from workers.ledger.names import CONSOLIDATED, OUTSIDE, UnsafeName, check_name, check_path
from workers.ledger.shapes import Aggregated, Synced

_File = tuple[str, str]


class Source(NamedTuple):
    """A synced file. Only its first ``bytes`` are read, and only if they hash to ``hash``."""

    node: str
    node_key: str
    path: str
    """As on the node; absolute where it lies outside of the node's root."""
    bytes: int
    hash: str
    """blake2b-128, hexadecimal."""
    parts: tuple[str, ...]
    """Where the copy lies, relative to the dataset's folder."""
    earlier: Aggregated | None = None
    """The longest beginning of it that was aggregated before."""
    records: int | None = None
    """In all its bytes, as the node counted them."""

    @property
    def new_bytes(self) -> int:
        """After what was aggregated before."""
        return self.bytes - (self.earlier.bytes if self.earlier else 0)

    @property
    def new_records(self) -> int | None:
        if self.records is None:
            return None
        return max(0, self.records - (self.earlier.records if self.earlier else 0))

    @property
    def words(self) -> str:
        return f"{self.node}:{self.path}"


class Refusal(NamedTuple):
    """A file of the manifest that will not be looked at, or that could not be read."""

    node: str
    path: str
    reason: str


class Pending(NamedTuple):
    """``done``: files whose newest copy is in the store already."""

    sources: tuple[Source, ...]
    refused: tuple[Refusal, ...]
    done: int


def pending(synced: Iterable[Synced], aggregated: Iterable[Aggregated]) -> Pending:
    """By node and path. Entries come in the order of their manifests: later ones are newer."""
    newest = {(entry.node_key, entry.path): entry for entry in synced}
    known: dict[_File, list[Aggregated]] = {}
    for entry in aggregated:
        known.setdefault((entry.node_key, entry.path), []).append(entry)
    sources: list[Source] = []
    refused: list[Refusal] = []
    done = 0
    for file, found in sorted(newest.items(), key=lambda item: (item[1].node, item[1].path)):
        before = known.get(file, [])
        if any((entry.bytes, entry.hash) == (found.bytes, found.hash) for entry in before):
            done += 1
            continue
        try:
            sources.append(_source(found, before))
        except UnsafeName as error:
            refused.append(Refusal(found.node, found.path, str(error)))
    return Pending(tuple(sources), tuple(refused), done)


def _source(found: Synced, before: list[Aggregated]) -> Source:
    """Raises UnsafeName: a node's word forms no path unchecked."""
    check_name(found.node, "the node")
    if found.node == CONSOLIDATED:
        raise UnsafeName(f"the node {found.node}: its folder is that of the consolidated store")
    check_path(found.path)
    inner = found.path.split("/")
    parts = (OUTSIDE, *inner[1:]) if found.path.startswith("/") else tuple(inner)
    shorter = (entry for entry in before if entry.bytes < found.bytes)
    earlier = max(shorter, key=lambda entry: entry.bytes, default=None)
    return Source(
        found.node, found.node_key, found.path, found.bytes, found.hash,
        (found.node, *parts), earlier, found.records,
    )  # fmt: skip


def in_batches(
    sources: Iterable[Source], most_bytes: int, most_files: int
) -> Iterator[list[Source]]:
    """What one generation takes in: a batch is over once it holds so many bytes or files."""
    batch: list[Source] = []
    size = 0
    for source in sources:
        batch.append(source)
        size += source.new_bytes
        if size >= most_bytes or len(batch) >= most_files:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
