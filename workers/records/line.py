"""A game as one line of JSON with a checksum as its last member, so that a damaged one is never believed."""

import json
import zlib
from typing import Any

from workers.harness.errors import CorruptData
from workers.records.record import GameRecord, check_record

_MARK = b',"crc":'
_DECIMALS = 6  # of a value in [-1, 1]; single precision has no more
_TUPLES = ("moves", "visits", "scores", "winners")


class CorruptRecord(CorruptData):
    """This line is not what was written."""


def encode_line(record: GameRecord) -> bytes:
    """The line with its newline; ``values`` to six decimals. Raises ValueError for what no game can have."""
    check_record(record)
    body = record._asdict()
    body["values"] = [value and [round(v, _DECIMALS) for v in value] for value in record.values]
    text = json.dumps(body, separators=(",", ":"), allow_nan=False).encode("ascii")
    return text[:-1] + _MARK + b"%d}\n" % zlib.crc32(text)


def decode_line(line: bytes) -> GameRecord:
    """Members that are not known are ignored. Raises CorruptRecord, also for a version that is not known."""
    text = _checked(line)
    if text is None:
        raise CorruptRecord("the checksum does not fit")
    try:
        return _build(json.loads(text))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CorruptRecord(f"no game: {error}") from None


def is_whole(line: bytes) -> bool:
    """Whether the checksum fits, whatever the line says; its newline may be missing."""
    return _checked(line) is not None


def has_checksum(line: bytes) -> bool:
    """Whether it claims to be one of ours."""
    return _MARK in line[-32:]


def _checked(line: bytes) -> bytes | None:
    """The object without its ``crc``, which is ``zlib.crc32`` of exactly that; None where it does not fit."""
    head, mark, tail = line.removesuffix(b"\n").rpartition(_MARK)
    text = head + b"}"
    if not mark or tail != b"%d}" % zlib.crc32(text):
        return None
    return text


def _build(body: dict[str, Any]) -> GameRecord:
    known = {name: body[name] for name in GameRecord._fields}
    for name in _TUPLES:
        known[name] = tuple(known[name])
    known["values"] = tuple(
        None if value is None else tuple(map(float, value)) for value in known["values"]
    )
    record = GameRecord(**known)
    check_record(record)
    return record
