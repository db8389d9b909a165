"""What a source holds, told by its first bytes and never by its name, and read in chunks."""

import os
from collections.abc import Iterable, Iterator

from workers.harness.errors import CorruptData
from workers.jobs.aggregate.chunks import Chunk, blocks
from workers.jobs.aggregate.sources import Source
from workers.jobs.aggregate.tables import parquet_rows, sqlite_rows
from workers.records.foreign import unzipped
from workers.records.names import parse_shard
from workers.records.zstd import decompressed

LINES, GZIP, ZSTD, SQLITE, PARQUET = "lines", "gzip", "zstd", "sqlite", "parquet"
OTHER = "other"
"""Nothing that holds records: lines have no zero bytes."""

_HEAD_BYTES = 4096
PIECE_BYTES = 1024 * 1024
_ZSTD_BYTES = 4 * 1024  # at once: so little cannot unfold to more than memory holds
_HEADS = (
    (b"SQLite format 3\0", SQLITE),
    (b"\x1f\x8b", GZIP),
    (b"\x28\xb5\x2f\xfd", ZSTD),
    (b"PAR1", PARQUET),
)


def kind_of(file: int) -> str:
    """Raises OSError."""
    head = os.pread(file, _HEAD_BYTES, 0)
    plain = OTHER if b"\0" in head else LINES
    return next((kind for start, kind in _HEADS if head.startswith(start)), plain)


def pieces(file: int, start: int, end: int) -> Iterator[bytes]:
    """The bytes from ``start`` to ``end``. Raises OSError, CorruptData where the file is shorter."""
    while start < end:
        piece = os.pread(file, min(PIECE_BYTES, end - start), start)
        if not piece:
            raise CorruptData(f"the copy ends at byte {start}, its manifest says {end}")
        start += len(piece)
        yield piece


def chunks(
    file: int, kind: str, source: Source, data: Iterable[bytes], start: int, table: str
) -> Iterator[Chunk]:
    """The records, in order. ``data`` are the bytes from ``start`` on; tables are read by themselves.

    Raises CorruptData after what came before the fault, OSError, Misconfigured.
    """
    if kind == SQLITE:
        yield from sqlite_rows(file, table)
    elif kind == PARQUET:
        yield from parquet_rows(file)
    elif kind == LINES:
        yield from blocks(data, start)
    else:
        plain = unzipped(data) if kind == GZIP else decompressed(_small(data))
        yield from _counted(source, blocks(plain))


def _counted(source: Source, found: Iterable[Chunk]) -> Iterator[Chunk]:
    """A sealed shard holds as many games as its name says. Raises CorruptData at its end."""
    name, count = parse_shard(source.parts[-1]), 0
    for chunk in found:
        count += len(chunk.lines)
        yield chunk
    if name is not None and count != name.records:
        raise CorruptData(f"{count} games, and its name says {name.records}")


def _small(data: Iterable[bytes]) -> Iterator[bytes]:
    for piece in data:
        for start in range(0, len(piece), _ZSTD_BYTES):
            yield piece[start : start + _ZSTD_BYTES]
