"""Games of files in any form, told by content and never by name: ours, plain or gzip JSONL, zstd, SQLite."""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from workers.harness.errors import CorruptData
from workers.records.disk import PIECE_BYTES
from workers.records.line import CorruptRecord, decode_line, has_checksum
from workers.records.lines import lines_of
from workers.records.names import parse_shard
from workers.records.record import GameRecord
from workers.records.shard import CorruptShard, read_shard
from workers.records.zstd import decompressed

_GZIP, _ZSTD, _SQLITE = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"SQLite format 3\0"
_GZIP_WINDOW = 31  # zlib's word for "expect gzip's header and check its trailer"
_OUTPUT_BYTES = 1024 * 1024  # of one step, however much a small input would unfold to
_BOARD, _PLAYERS, _PLIES = ("board", "board_type"), ("players", "num_players"), ("plies", "total_moves")  # fmt: skip


class ForeignRecord(NamedTuple):
    """A game of another program. What it does not say is None."""

    id: str
    """The database's, or blake2b-128 of the line's bytes without the newline."""
    board: str | None
    players: int | None
    winner: int | None
    plies: int | None
    body: Mapping[str, Any]
    """All that is there."""


def read_any(path: Path | str) -> Iterator[GameRecord | ForeignRecord]:
    """The games of one file. Raises CorruptData (after the games before the fault), OSError, Misconfigured."""
    path = Path(path)
    kind = kind_of(path)
    if kind == "shard":
        yield from read_shard(path)
    elif kind == "sqlite":
        from workers.records.foreign_sqlite import rows

        yield from (of_body(str(body["game_id"]), body) for body in rows(path))
    else:
        for number, line in enumerate(lines(path, kind), 1):
            try:
                yield read_line(line)
            except CorruptRecord as error:
                raise CorruptShard(path, f"line {number}: {error}") from None


def kind_of(path: Path) -> str:
    """ "shard", "zstd", "gzip", "sqlite" or "jsonl", by its first bytes. Raises OSError."""
    with open(path, "rb") as file:
        head = file.read(len(_SQLITE))
    if parse_shard(path.name) is not None:
        return "shard"
    if head == _SQLITE:
        return "sqlite"
    if head.startswith(_GZIP):
        return "gzip"
    return "zstd" if head.startswith(_ZSTD) else "jsonl"


def lines(path: Path, kind: str) -> Iterator[bytes]:
    """Lines that are not empty, of a file of that kind. Raises CorruptShard, OSError, Misconfigured."""
    with open(path, "rb") as file:
        pieces: Iterable[bytes] = iter(lambda: file.read(PIECE_BYTES), b"")
        if kind == "gzip":
            pieces = unzipped(pieces)
        elif kind == "zstd":
            pieces = decompressed(pieces)
        try:
            yield from (line for line in lines_of(pieces) if line.strip())
        except CorruptData as error:
            raise CorruptShard(path, str(error)) from None


def read_line(line: bytes) -> GameRecord | ForeignRecord:
    """A game of ours where the line claims so. Raises CorruptRecord."""
    if has_checksum(line):
        return decode_line(line)
    try:
        body = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorruptRecord(f"not JSON ({error})") from None
    if type(body) is not dict:
        raise CorruptRecord("not an object")
    digest = hashlib.blake2b(line.removesuffix(b"\n"), digest_size=16)
    return of_body(digest.hexdigest(), body)


def of_body(identity: str, body: Mapping[str, Any]) -> ForeignRecord:
    board = _first(body, _BOARD, str)
    players, plies = _first(body, _PLAYERS, int), _first(body, _PLIES, int)
    return ForeignRecord(identity, board, players, _first(body, ("winner",), int), plies, body)


def _first(body: Mapping[str, Any], names: tuple[str, ...], kind: type) -> Any:
    return next((body[name] for name in names if type(body.get(name)) is kind), None)


def unzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Of all members (RFC 1952). Raises CorruptData for torn or corrupt data, after what came before."""
    engine = None
    for piece in pieces:
        while piece:
            engine = engine or zlib.decompressobj(_GZIP_WINDOW)
            try:
                yield engine.decompress(piece, _OUTPUT_BYTES)
            except zlib.error as error:
                raise CorruptData(f"corrupt gzip ({error})") from None
            piece = engine.unused_data.lstrip(b"\0") if engine.eof else engine.unconsumed_tail
            engine = None if engine.eof else engine
    if engine is not None:
        yield engine.flush()
        if not engine.eof:
            raise CorruptData("gzip data ends early (torn)")
