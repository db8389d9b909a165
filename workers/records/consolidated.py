"""The consolidated store of a dataset: generations of Parquet files, each there whole or not at all.

``gen-000017/part-00000.parquet``          records, one a row; ``line`` holds each whole, as it was read
``gen-000017/rejected/gen-000017.jsonl``   what was no record, with its place and the reason
``gen-000017/manifest-000017.json``        what the generation is, written last; without it there is none

Needs pyarrow only to read games.
"""

import hashlib
import json
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from workers.harness.errors import CorruptData, Misconfigured
from workers.records.line import CorruptRecord, decode_line
from workers.records.record import GameRecord

SCHEMA = 1
GAME = "shard/1"
"""``format`` of the rows whose line is a game of ours."""
REJECTED = "rejected"
_FOLDER = re.compile(r"gen-(\d{6,12})\Z", re.ASCII)
_MARK = b',"crc":'
_AT = "#"  # between a part and the number of a row group


class RowGroup(NamedTuple):
    """``games``: of shard/1, by configuration (``square8_2p``). ``newest``: when the latest began."""

    rows: int
    games: dict[str, int]
    newest: float | None


class Part(NamedTuple):
    """``path`` is relative to the generation's folder; ``hash`` blake2b-128."""

    path: str
    rows: int
    bytes: int
    hash: str
    groups: tuple[RowGroup, ...]


class GroupOfGames(NamedTuple):
    """Games of one configuration that are read together. ``digest`` names their content."""

    path: str
    games: int
    digest: str
    sequence: int
    """When the latest game began, or the generation; seconds since 1970."""


def manifest_name(generation: int) -> str:
    return f"manifest-{generation:06d}.json"


def folder_name(generation: int) -> str:
    return f"gen-{generation:06d}"


def is_store(folder: Path) -> bool:
    """Whether any generation is there. Raises OSError."""
    return bool(generations(folder))


def folders(folder: Path) -> list[int]:
    """Generations, with a manifest or without; none where there is no folder. Raises OSError."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(found[1]) for found in map(_FOLDER.match, names) if found)


def generations(folder: Path) -> list[int]:
    """Those that have a manifest, oldest first. Raises OSError."""
    return [number for number in folders(folder) if manifest_path(folder, number).exists()]


def manifest_path(folder: Path, generation: int) -> Path:
    return folder / folder_name(generation) / manifest_name(generation)


def encode_manifest(body: dict[str, Any]) -> bytes:
    """One line of JSON with its CRC-32 as the last member."""
    text = json.dumps({"schema": SCHEMA, **body}, separators=(",", ":"), allow_nan=False).encode()
    return text[:-1] + _MARK + b"%d}\n" % zlib.crc32(text)


def read_manifest(folder: Path, generation: int) -> dict[str, Any]:
    """Raises CorruptData for one that is not what was written, Misconfigured for a schema of another release,
    OSError."""
    path = manifest_path(folder, generation)
    return decode_manifest(path.read_bytes(), str(path))


def decode_manifest(data: bytes, place: str) -> dict[str, Any]:
    """The reverse of ``encode_manifest``; ``place`` is how errors call it. Raises CorruptData, Misconfigured."""
    head, mark, tail = data.rstrip(b"\n").rpartition(_MARK)
    if not mark or tail != b"%d}" % zlib.crc32(head + b"}"):
        raise CorruptData(
            f"{place}: the checksum does not fit; restore it from a backup, its parts are kept"
        )
    body: dict[str, Any] = json.loads(head + b"}")
    if body.get("schema") != SCHEMA:
        raise Misconfigured(f"{place}: schema {body.get('schema')!r} is not known here")
    return body


def parts_of(manifest: dict[str, Any]) -> list[Part]:
    return [
        Part(
            part["path"], part["rows"], part["bytes"], part["hash"],
            tuple(RowGroup(*group) for group in part["groups"]),
        )
        for part in manifest["parts"]
    ]  # fmt: skip


def games_of(folder: Path, key: str) -> list[GroupOfGames]:
    """The row groups that hold games of the configuration ``key``. Raises CorruptData, Misconfigured, OSError."""
    found = []
    for generation in generations(folder):
        manifest = read_manifest(folder, generation)
        for part in parts_of(manifest):
            for number, group in enumerate(part.groups):
                if group.games.get(key):
                    text = f"{part.hash}{_AT}{number}{_AT}{key}".encode()
                    digest = hashlib.blake2b(text, digest_size=8).hexdigest()
                    when = int(group.newest or manifest["at"])
                    path = f"{folder / folder_name(generation) / part.path}{_AT}{number}"
                    found.append(GroupOfGames(path, group.games[key], digest, when))
    return found


def is_group(path: str) -> bool:
    """Whether ``path`` names a row group of a part."""
    part, mark, number = path.rpartition(_AT)
    return bool(mark) and number.isdigit() and part.endswith(".parquet")


def read_group(path: str, key: str) -> Iterator[GameRecord]:
    """The games of one configuration in a row group, as ``games_of`` named it.

    Raises CorruptData, OSError, Misconfigured (no pyarrow).
    """
    part, _, number = path.rpartition(_AT)
    columns = _columns(part, int(number))
    board, _, players = key.rpartition("_")
    for row, (form, name, count, line) in enumerate(zip(*columns, strict=True)):
        if form == GAME and name == board and f"{count}p" == players:
            try:
                yield decode_line(line.encode())
            except CorruptRecord as error:
                raise CorruptData(f"{path}: row {row}: {error}") from None


def _columns(part: str, number: int) -> list[list[Any]]:
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise Misconfigured(
            f"{part}: a consolidated store needs the package pyarrow (quarterdeck[export])"
        ) from None
    with open(part, "rb") as file:
        try:
            table = ParquetFile(file).read_row_group(
                number, columns=["format", "board", "players", "line"]
            )
        except (pa.ArrowException, OSError, ValueError, IndexError) as error:
            raise CorruptData(f"{part}: Parquet: {str(error)[:200]}") from None
    names = ("format", "board", "players", "line")
    return [table.column(name).to_pylist() for name in names]
