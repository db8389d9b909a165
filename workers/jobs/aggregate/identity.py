"""Who a record is: the same 16 bytes wherever it lies and however often.

A game of shard/1 is its game id; any other line is blake2b-128 of its bytes without the newline; a row of a
table is that of its canonical JSON.
"""

import hashlib
import re

from workers.jobs.aggregate.chunks import Chunk
from workers.records.foreign import read_line
from workers.records.line import CorruptRecord, has_checksum, is_whole
from workers.records.record import GameRecord

BYTES = 16
_HEAD = re.compile(rb'\{"version":1,"id":"([0-9a-f]{32})",')
_ID = re.compile(r"[0-9a-f]{32}\Z")
_OTHER = b"id:"


def identities(chunk: Chunk) -> list[bytes | None]:
    """One for each line; None for one that is no record whatever it says: ``fault`` tells why."""
    blake2b = hashlib.blake2b
    if chunk.rows or (chunk.is_text and not chunk.claims):
        return [blake2b(line, digest_size=16).digest() for line in chunk.lines]
    return [_identity(line, chunk.is_text) for line in chunk.lines]


def fault(line: bytes) -> str | None:
    """Why a line is no record; None where it is one after all."""
    try:
        line.decode()
        read_line(line)
    except UnicodeDecodeError as error:
        return f"not UTF-8 (byte {error.start})"
    except CorruptRecord as error:
        return str(error)
    return None


def _identity(line: bytes, is_text: bool) -> bytes | None:
    if not is_text:
        try:
            line.decode()
        except UnicodeDecodeError:
            return None
    if not has_checksum(line):
        return hashlib.blake2b(line, digest_size=16).digest()
    if not is_whole(line):
        return None
    head = _HEAD.match(line)
    if head is not None:
        return bytes.fromhex(head[1].decode())
    return _slowly(line)


def _slowly(line: bytes) -> bytes | None:
    """Of a game whose members stand in another order, or whose id is not ours."""
    try:
        record = read_line(line)
    except CorruptRecord:
        return None
    if not isinstance(record, GameRecord):
        return None
    if _ID.match(record.id):
        return bytes.fromhex(record.id)
    return hashlib.blake2b(_OTHER + record.id.encode(), digest_size=16).digest()
