"""The shapes of the ledger, and the one line of JSON each entry of a manifest is.

Pure: no files, no clock. A line ends with ``"crc"``, the CRC-32 of the object without it, so that a line
that was torn or flipped is named and never believed. Lines written once must load for ever.

Standard library only, Python 3.9.
"""

import json
import zlib
from typing import Any, Dict, NamedTuple, Optional, Tuple, Type, Union

SCHEMA = 1
MAX_LINE_BYTES = 64 * 1024
_MARK = b',"crc":'
_MOST = 2**63

LINES, SHARD, JOURNAL, WHOLE, SQLITE = "lines", "shard", "journal", "whole", "sqlite"
TRAVELLING = (LINES, SHARD, WHOLE, SQLITE)  # a journal stays: its shard travels once it is sealed


class DataFile(NamedTuple):
    """One file of a dataset on a node, as it was when it was listed.

    ``path`` is relative to the node's root, absolute where the file lies outside of it, and holds no link.
    ``kind`` says how it travels: lines (its ``prefix_bytes`` of whole lines), shard (sealed, its name holds
    ``sealed_hash``, blake2b-64), whole (as it is, once settled), sqlite (through a snapshot; size and time are
    those of the database and its write-ahead log together), journal (not at all).
    """

    path: str
    size: int  # bytes
    prefix_bytes: int  # of whole lines; the whole file where it is not made of lines
    records: Optional[int]  # in these bytes; None: cannot be counted here
    mtime_ns: int
    sealed_hash: str = ""
    kind: str = WHOLE
    settled: bool = True  # older than a clock tick: equal times mean equal bytes


class Synced(NamedTuple):
    """These bytes of a node's file lie at the destination and were verified there."""

    node: str
    node_key: str
    path: str  # as on the node
    bytes: int  # of whole lines, or of the whole file
    records: Optional[int]
    hash: str  # blake2b-128 of these bytes, hexadecimal
    mtime_ns: int  # of the source when it was read; -1: it was still being written
    size: int  # of the source when it was read
    at: float
    run: str = ""
    fence: int = 0


class Aggregated(NamedTuple):
    """All records of these bytes are in the consolidated store, or were there, or lie among the rejected."""

    node: str
    node_key: str
    path: str
    bytes: int
    hash: str
    records: int
    generation: int
    new: int
    duplicates: int
    rejected: int
    at: float
    run: str = ""
    fence: int = 0


class BackedUp(NamedTuple):
    """This generation of the consolidated store, and all before it, lie at the remote and were verified."""

    generation: int
    remote: str
    files: int
    bytes: int
    hash: str  # of the generation's manifest
    at: float
    run: str = ""
    fence: int = 0


Entry = Union[Synced, Aggregated, BackedUp]
KINDS: Dict[str, Type[Any]] = {
    "synced": Synced,
    "aggregated": Aggregated,
    "backed_up": BackedUp,
}


class Standing(NamedTuple):
    """What one dataset of one node amounts to, and what of it is not yet elsewhere.

    Records are None where some file's cannot be counted. ``not_backed_up_*`` are None where nothing is known
    of backups. ``unknown`` says why nothing can be promised, whatever the numbers are.
    """

    dataset: str = ""
    produced_records: Optional[int] = 0
    produced_bytes: int = 0
    produced_files: int = 0
    unsynced_records: Optional[int] = 0
    unsynced_bytes: int = 0
    unsynced_files: int = 0
    unaggregated_records: Optional[int] = 0
    unaggregated_bytes: int = 0
    unaggregated_files: int = 0
    not_backed_up_records: Optional[int] = None
    not_backed_up_bytes: Optional[int] = None
    not_backed_up_files: Optional[int] = None
    last_synced_at: Optional[float] = None
    last_aggregated_at: Optional[float] = None
    last_backed_up_at: Optional[float] = None
    unknown: Optional[str] = None


class Damaged(ValueError):
    """A line that is not what was written; the text says in what way."""


def encode(entry: Entry) -> bytes:
    """The line of an entry with its newline. Raises ValueError for what no entry can have."""
    _check(entry)
    body = json.dumps({"schema": SCHEMA, **entry._asdict()}, separators=(",", ":"), allow_nan=False)
    text = body.encode("ascii")
    line = text[:-1] + _MARK + b"%d}\n" % zlib.crc32(text)
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"an entry of {len(line)} bytes, at most {MAX_LINE_BYTES}")
    return line


def decode(kind: str, line: bytes) -> Entry:
    """The entry in a line of the manifest ``kind``. Raises Damaged; KeyError for a kind there is not."""
    shape = KINDS[kind]
    body = _body(line)
    schema = body.get("schema")
    if schema != SCHEMA or type(schema) is not int:
        raise Damaged(f"schema {str(schema)[:20]} is not known here")
    try:
        values = [body[name] if name in body else _default(shape, name) for name in shape._fields]
        entry: Entry = shape(*values)
        _check(entry)
    except (KeyError, ValueError) as error:
        raise Damaged(f"no entry of {kind}: {error}") from None
    return entry


def encode_file(file: DataFile) -> str:
    """A listed file as one line of JSON in ASCII: what cleans texts for a screen leaves it as it is."""
    return json.dumps(file, separators=(",", ":"))


def decode_file(line: str) -> DataFile:
    """Raises Damaged."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise Damaged("no JSON") from None
    return file_of(row)


def file_of(row: Any) -> DataFile:
    """A listed file from the parsed line, every type checked. Raises Damaged."""
    if type(row) is not list or tuple(map(type, row)) not in _FILES:
        raise Damaged("no listed file")
    file = DataFile(*row)
    known = file.kind in (JOURNAL, *TRAVELLING) and 0 <= (file.records or 0) < _MOST
    if not known or not 0 <= file.prefix_bytes <= file.size < _MOST:
        raise Damaged("no listed file: its figures")
    return file


def _body(line: bytes) -> Dict[str, Any]:
    head, mark, tail = line.rstrip(b"\n").rpartition(_MARK)
    text = head + b"}"
    if not mark or tail != b"%d}" % zlib.crc32(text):
        raise Damaged("the checksum does not fit")
    if not text.isascii():
        raise Damaged("not ASCII")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise Damaged("no JSON") from None
    if type(body) is not dict:
        raise Damaged("no object")
    return body


def _default(shape: Type[Any], name: str) -> Any:
    return shape._field_defaults[name]


_FILES = tuple((str, int, int, count, int, str, str, bool) for count in (int, type(None)))
_TYPES: Dict[str, Tuple[type, ...]] = {
    "node": (str,),
    "node_key": (str,),
    "path": (str,),
    "hash": (str,),
    "run": (str,),
    "remote": (str,),
    "at": (float, int),
}
_NULLABLE = ("records",)


def _check(entry: Entry) -> None:
    """Raises ValueError naming the first field that cannot be."""
    for name, value in zip(entry._fields, entry):
        wanted = _TYPES.get(name, (int,))
        if value is None and name in _NULLABLE and type(entry) is Synced:
            continue
        if type(value) not in wanted:
            raise ValueError(f"{name}: a {type(value).__name__}")
        least = -1 if name == "mtime_ns" else 0
        if isinstance(value, (int, float)) and not least <= value < _MOST:
            raise ValueError(f"{name}: {value}")
