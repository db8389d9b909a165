"""Records of a source, a few thousand at a time, each as one line of bytes."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from workers.harness.errors import CorruptData

LONGEST_BYTES = 64 * 1024 * 1024  # of one line; no record comes near it
_BLOCK_BYTES = 1024 * 1024
_CLAIM = b',"crc":'


class Chunk(NamedTuple):
    """Lines without their newlines, none of them blank."""

    lines: list[bytes]
    positions: Sequence[int]
    """Of each line: its first byte in the unpacked file, or the number of the row from 0."""
    rows: bool
    """They were rows of a table, and are canonical JSON."""
    claims: bool
    """Some may carry a checksum of ours."""
    is_text: bool
    """All of them are UTF-8."""


def of_block(block: bytes, at: int) -> Chunk:
    """The lines of a block that begins at the byte ``at``; the last one may lack its newline."""
    raw = block.split(b"\n")
    positions: Sequence[int] = list(accumulate((len(line) + 1 for line in raw), initial=at))
    lines = [line for line in raw if len(line) > 2 or line.strip()]
    if len(lines) != len(raw):
        kept = zip(raw, positions, strict=False)
        positions = [place for line, place in kept if len(line) > 2 or line.strip()]
    return Chunk(lines, positions[: len(lines)], False, _CLAIM in block, _is_text(block))


def of_rows(lines: list[bytes], first: int) -> Chunk:
    """Rows as canonical JSON; ``first`` is the number of the first."""
    return Chunk(lines, range(first, first + len(lines)), True, False, True)


def blocks(pieces: Iterable[bytes], at: int = 0) -> Iterator[Chunk]:
    """Cuts pieces of data into chunks of whole lines of about a MiB. The first byte is at ``at``.

    Raises CorruptData for a line that never ends, after the chunks before it.
    """
    cutter = _Cutter(at)
    try:
        for piece in pieces:
            yield from cutter.feed(piece)
    except CorruptData:
        yield from cutter.rest()
        raise
    yield from cutter.rest()


class _Cutter:
    """Joins pieces until they hold about a MiB of whole lines."""

    def __init__(self, at: int) -> None:
        self._at = at
        self._waiting: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[Chunk]:
        cut = piece.rfind(b"\n")
        if cut >= 0 and self._size + cut >= _BLOCK_BYTES:
            block = b"".join([*self._waiting, piece[: cut + 1]])
            yield of_block(block, self._at)
            self._at += len(block)
            piece = piece[cut + 1 :]
            self._waiting, self._size = [], 0
        self._waiting.append(piece)
        self._size += len(piece)
        if self._size > LONGEST_BYTES:
            self._waiting, self._size = [], 0
            raise CorruptData(f"a line of more than {LONGEST_BYTES >> 20} MiB")

    def rest(self) -> Iterator[Chunk]:
        block = b"".join(self._waiting)
        self._waiting, self._size = [], 0
        if block:
            yield of_block(block, self._at)


def _is_text(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True
