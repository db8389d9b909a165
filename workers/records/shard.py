"""Reading a shard: the hash of its name, the checksums of its lines, and the count of its name must all fit."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from workers.harness.errors import CorruptData
from workers.records.disk import PIECE_BYTES
from workers.records.line import decode_line
from workers.records.lines import lines_of
from workers.records.names import ShardName, parse_shard
from workers.records.record import GameRecord
from workers.records.zstd import decompressed


class CorruptShard(CorruptData):
    """This file is not what was sealed."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")


def read_shard(path: Path | str) -> Iterator[GameRecord]:
    """Its games, in the order they were played. The hash is checked before the first.

    Raises CorruptShard, OSError, Misconfigured (no zstd).
    """
    path = Path(path)
    expected, count = _name(path).records, 0
    try:
        for line in lines_of(decompressed(checked_pieces(path))):
            yield decode_line(line)
            count += 1
    except CorruptShard:
        raise
    except CorruptData as error:
        raise CorruptShard(path, f"game {count + 1}: {error}") from None
    if count != expected:
        raise CorruptShard(path, f"{count} games, and its name says {expected}")


def checked_pieces(path: Path) -> Iterator[bytes]:
    """The file's bytes once their hash was found to be that of the name. Raises CorruptShard, OSError."""
    digest = _name(path).digest
    with open(path, "rb") as file:
        hashed = hashlib.blake2b(digest_size=8)
        while piece := file.read(PIECE_BYTES):
            hashed.update(piece)
        if hashed.hexdigest() != digest:
            raise CorruptShard(path, f"its bytes hash to {hashed.hexdigest()}")
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            yield piece


def _name(path: Path) -> ShardName:
    name = parse_shard(path.name)
    if name is None:
        raise CorruptShard(path, "its name is no shard's")
    return name
