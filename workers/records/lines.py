"""Lines of pieces of data, and what a journal's lines are worth."""

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from workers.harness.errors import CorruptData
from workers.records.disk import pieces_of
from workers.records.line import is_whole

_LONGEST_BYTES = 64 * 1024 * 1024  # no game comes near it


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Each with its newline; the last may have none. Raises CorruptData for one that never ends."""
    rest = b""
    for piece in pieces:
        if b"\n" not in piece:
            rest += piece
        else:
            first, *middle, last = piece.split(b"\n")
            yield rest + first + b"\n"
            yield from (line + b"\n" for line in middle)
            rest = last
        if len(rest) > _LONGEST_BYTES:
            raise CorruptData(f"a line of more than {_LONGEST_BYTES >> 20} MiB")
    if rest:
        yield rest


def good_lines(file: int) -> Iterator[bytes]:
    """The lines of an open journal whose checksum fits, each with its newline. Raises OSError."""
    for line in lines_of(pieces_of(file)):
        if is_whole(line):
            yield line if line.endswith(b"\n") else line + b"\n"


class Scan(NamedTuple):
    """An open journal, line by line."""

    good: int
    damaged: tuple[bytes, ...]
    """Whole lines whose checksum does not fit."""
    tail: bytes
    """A last line that was never finished."""
    end: int
    """Where the last good line ends, bytes."""
    size: int

    @property
    def torn(self) -> int:
        """1 where there is such a tail."""
        return int(bool(self.tail))


def scan(file: int) -> Scan:
    """Raises OSError."""
    good = end = position = 0
    damaged: list[bytes] = []
    tail = b""
    for line in lines_of(pieces_of(file)):
        position += len(line)
        if is_whole(line):
            good, end = good + 1, position
        elif line.endswith(b"\n"):
            damaged.append(line)
        else:
            tail = line
    return Scan(good, tuple(damaged), tail, end, os.fstat(file).st_size)
