"""The first pass over the sources of a generation: their bytes are verified and every record is named.

What it leaves is small, whatever the records are: 16 bytes a record in ``keys.parquet``, in the order of
the records, and a note on each source.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from workers.harness.errors import CorruptData, Misconfigured
from workers.jobs.aggregate import contents
from workers.jobs.aggregate.chunks import Chunk
from workers.jobs.aggregate.identity import BYTES, identities
from workers.jobs.aggregate.keys import KeyWriter
from workers.jobs.aggregate.opening import identity_of, opened
from workers.jobs.aggregate.sources import Refusal, Source

Beat = Callable[[Source, int], None]
"""Told of records as they are read; may raise to end the work."""


class Surveyed(NamedTuple):
    """A source whose records are the places ``first`` to ``first + records - 1``.

    ``start`` is the first byte that was not aggregated before. ``fault`` says why it ends early: what came
    before is taken. With ``refused`` nothing of it is taken.
    """

    source: Source
    kind: str
    identity: tuple[int, ...]
    start: int
    first: int
    records: int
    fault: str = ""
    refused: str = ""


class Survey:
    """Goes through sources and writes their keys. ``table``: of databases. A context manager."""

    def __init__(self, folder: Path, keys: Path, table: str, beat: Beat) -> None:
        self._folder, self._table, self._beat = folder, table, beat
        self._keys = KeyWriter(keys)
        self.found: list[Surveyed] = []

    def look(self, source: Source) -> None:
        """Adds it, or says why it cannot be read. Raises OSError of the store's disk."""
        first = self._keys.count
        try:
            with opened(self._folder, source.parts) as file:
                surveyed = self._read(file, source, first)
        except OSError as error:
            self._keys.check()
            surveyed = _refused(source, first, self._keys.count - first, _words(error))
        except (CorruptData, Misconfigured) as error:
            surveyed = _refused(source, first, self._keys.count - first, str(error))
        self.found.append(surveyed)

    def _read(self, file: int, source: Source, first: int) -> Surveyed:
        """Raises CorruptData where the bytes are not those of the manifest."""
        kind, identity = contents.kind_of(file), identity_of(file)
        if kind == contents.OTHER:
            raise CorruptData("is neither JSONL (plain, gzip, zstd) nor SQLite nor Parquet")
        start, hashed = _start(file, kind, source)
        data = _Hashing(contents.pieces(file, start, source.bytes), hashed)
        if kind in (contents.SQLITE, contents.PARQUET):
            _check_size(file, source)
            data.verify(source)
        fault = ""
        try:
            for chunk in contents.chunks(file, kind, source, data, start, self._table):
                self._take(source, chunk)
        except CorruptData as error:
            if kind not in (contents.GZIP, contents.ZSTD):
                raise
            fault = str(error)
        data.verify(source)
        records = self._keys.count - first
        return Surveyed(source, kind, identity, start, first, records, fault)

    def _take(self, source: Source, chunk: Chunk) -> None:
        self._keys.add(identities(chunk))
        self._beat(source, len(chunk.lines))

    def __enter__(self) -> "Survey":
        return self

    def __exit__(self, *_: object) -> None:
        self._keys.close()


class _Hashing:
    """Passes pieces on and hashes them."""

    def __init__(self, data: Iterator[bytes], hashed: Any) -> None:
        self._data, self._hashed = data, hashed

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._data:
            self._hashed.update(piece)
            yield piece

    def verify(self, source: Source) -> None:
        """Of all bytes, also those that nobody wanted. Raises CorruptData."""
        for piece in self._data:
            self._hashed.update(piece)
        found = self._hashed.hexdigest()
        if found != source.hash:
            raise CorruptData(
                f"the copy hashes to {found}, its manifest says {source.hash}: sync it again"
            )


def _check_size(file: int, source: Source) -> None:
    """Raises CorruptData: a table is read as a whole and not up to some byte."""
    size = os.fstat(file).st_size
    if size != source.bytes:
        raise CorruptData(f"the copy has {size} bytes, its manifest says {source.bytes}")


def _start(file: int, kind: str, source: Source) -> tuple[int, Any]:
    """Where the records begin that are not in the store yet, and the hash of the bytes before."""
    hashed = hashlib.blake2b(digest_size=BYTES)
    earlier = source.earlier
    if kind != contents.LINES or earlier is None:
        return 0, hashed
    last = b"\n"
    for piece in contents.pieces(file, 0, earlier.bytes):
        hashed.update(piece)
        last = piece[-1:]
    if hashed.hexdigest() == earlier.hash and last == b"\n":
        return earlier.bytes, hashed
    return 0, hashlib.blake2b(digest_size=BYTES)


def _refused(source: Source, first: int, records: int, why: str) -> Surveyed:
    return Surveyed(source, "", (), 0, first, records, refused=why)


def refusals(found: Iterable[Surveyed]) -> list[Refusal]:
    return [
        Refusal(each.source.node, each.source.path, each.refused) for each in found if each.refused
    ]


def _words(error: OSError) -> str:
    return error.strerror or str(error)
