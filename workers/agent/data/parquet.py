"""Method ``parquet``: the number of rows from the footer.

A file ends in its metadata (Thrift compact protocol), the metadata's length (u32, little endian) and
``PAR1``. Field 3 of ``FileMetaData`` is ``num_rows`` (parquet-format, ``parquet.thrift``).
"""

import os
from typing import Optional, Tuple

from workers.agent.data.entry import Entry, begin, holds, settled_ns
from workers.agent.data.method import Method
from workers.agent.data.opening import open_regular
from workers.agent.data.outcome import Unreadable, words
from workers.agent.data.walk import Found

MAX_FOOTER_BYTES = 64 * 1024 * 1024
_DEPTH = 32
_NUM_ROWS = 3
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)


class Parquet(Method):
    table = "parquet"
    names = "*.parquet or *.pq"

    def knows(self, name: str) -> bool:
        return name.endswith((".parquet", ".pq"))

    def count(self, found: Found, known: Optional[Entry]) -> Entry:
        """Raises Unreadable."""
        if known is not None and holds(known, found.status):
            return known
        descriptor, status = open_regular(found)
        try:
            return begin(status, settled_ns())._replace(records=rows(descriptor, status.st_size))
        except OSError as error:
            raise Unreadable(words(error)) from None
        finally:
            os.close(descriptor)


def rows(descriptor: int, size: int) -> int:
    """``num_rows`` of a Parquet file. Raises Unreadable where the footer is not whole."""
    if size < 12:
        raise Unreadable("too short for a Parquet file")
    end = os.pread(descriptor, 8, size - 8)
    if end[4:] == b"PARE":
        raise Unreadable("Parquet with an encrypted footer")
    if end[4:] != b"PAR1":
        raise Unreadable("no Parquet footer: torn, or still being written")
    length = int.from_bytes(end[:4], "little")
    if length > min(size - 12, MAX_FOOTER_BYTES):
        raise Unreadable(f"corrupt Parquet: a footer of {length} bytes in a file of {size}")
    try:
        found = _num_rows(os.pread(descriptor, length, size - 8 - length))
    except (IndexError, ValueError):
        raise Unreadable("corrupt Parquet: its footer does not parse") from None
    if not 0 <= found < 2**53:
        raise Unreadable(f"corrupt Parquet: {found} rows")
    return found


def _num_rows(data: bytes) -> int:
    position, field = 0, 0
    while True:
        kind, field, position = _field(data, position, field)
        if kind == 0:
            raise ValueError("no num_rows")
        if field == _NUM_ROWS and kind == _I64:
            return _zigzag(data, position)[0]
        position = _skip(data, position, kind, 0)


def _field(data: bytes, position: int, last: int) -> Tuple[int, int, int]:
    """Type, number and place of the next field; type 0 ends a struct."""
    head = data[position]
    position += 1
    if head >> 4:
        return head & 15, last + (head >> 4), position
    if head == 0:
        return 0, 0, position
    number, position = _zigzag(data, position)
    return head & 15, number, position


def _varint(data: bytes, position: int) -> Tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ValueError("a number without end")


def _zigzag(data: bytes, position: int) -> Tuple[int, int]:
    value, position = _varint(data, position)
    return (value >> 1) ^ -(value & 1), position


def _skip(data: bytes, position: int, kind: int, depth: int) -> int:
    """Where the value of this type ends. Raises IndexError beyond the data, ValueError."""
    if depth > _DEPTH or position > len(data):
        raise ValueError("too deep, or beyond the end")
    if kind in (_TRUE, _FALSE):
        return position
    if kind == _BYTE:
        return position + 1
    if kind in (_I16, _I32, _I64):
        return _varint(data, position)[1]
    if kind == _DOUBLE:
        return position + 8
    if kind == _BINARY:
        length, position = _varint(data, position)
        return position + length
    if kind in (_LIST, _SET):
        return _skip_list(data, position, depth + 1)
    if kind == _MAP:
        return _skip_map(data, position, depth + 1)
    if kind == _STRUCT:
        return _skip_struct(data, position, depth + 1)
    raise ValueError("no such type")


def _skip_list(data: bytes, position: int, depth: int) -> int:
    head = data[position]
    length, position = (head >> 4), position + 1
    if length == 15:
        length, position = _varint(data, position)
    for _ in range(length):
        position = _skip_item(data, position, head & 15, depth)
    return position


def _skip_map(data: bytes, position: int, depth: int) -> int:
    length, position = _varint(data, position)
    if length == 0:
        return position
    kinds, position = data[position], position + 1
    for _ in range(length):
        position = _skip_item(data, position, kinds >> 4, depth)
        position = _skip_item(data, position, kinds & 15, depth)
    return position


def _skip_item(data: bytes, position: int, kind: int, depth: int) -> int:
    """Unlike in a field, a truth value takes a byte here."""
    return position + 1 if kind in (_TRUE, _FALSE) else _skip(data, position, kind, depth)


def _skip_struct(data: bytes, position: int, depth: int) -> int:
    field = 0
    while True:
        kind, field, position = _field(data, position, field)
        if kind == 0:
            return position
        position = _skip(data, position, kind, depth)
