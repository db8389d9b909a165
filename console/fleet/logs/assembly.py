"""Bytes become lines, however they were cut on their way; each line knows the place of its first byte."""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

from console.fleet.logs.line import LIMIT_BYTES


class RawLine(NamedTuple):
    offset: int
    data: bytes
    cut: int = 0  # bytes that were longer than LIMIT_BYTES


class Assembler:
    """One stream of one attempt. Carriage returns are folded: the last state of a line wins."""

    def __init__(self) -> None:
        self.next_offset: int | None = None  # of the byte that is wanted next
        self.lines = 0  # that were completed, those left out too
        self._began = 0
        self._held = b""
        self._cut = 0
        self._turned = False  # a carriage return was the last thing: what comes writes over it
        self._folds = False  # the line under way had one

    @property
    def live(self) -> RawLine | None:
        """The line under way, as far as it is written."""
        return RawLine(self._began, self._held, self._cut) if self._held else None

    @property
    def is_progress(self) -> bool:
        """The line under way is written over again and again."""
        return self._folds

    def feed(self, offset: int, data: bytes, one_in: int = 1) -> list[RawLine]:
        """The lines that are complete now; of a flood only every ``one_in``-th. Bytes known already are skipped.

        After a gap the line under way is given as far as it was known.
        """
        lost = self._jump(offset)
        assert self.next_offset is not None
        if offset < self.next_offset:
            data = data[self.next_offset - offset :]
            offset = self.next_offset
        self.next_offset = offset + len(data)
        first_end = data.find(b"\n")
        if first_end < 0:
            self._grow(data)
            return lost
        self._grow(data[:first_end])
        lines = [*lost, self._finished()] if self.lines % one_in == 0 else lost
        self.lines += 1
        start, last_end = first_end + 1, data.rfind(b"\n")
        if last_end > first_end:
            lines += self._whole(offset + start, data[start:last_end], one_in)
        self._begin(offset + last_end + 1)
        self._grow(data[last_end + 1 :])
        return lines

    # ------------------------------------------------------------ within

    def _jump(self, offset: int) -> list[RawLine]:
        """Goes on at ``offset``, where bytes in between are missing."""
        if self.next_offset is None:
            self.next_offset = offset
            self._begin(offset)
        if offset <= self.next_offset:
            return []
        held = [self._finished()] if self._held else []
        self.next_offset = offset
        self._begin(offset)
        return held

    def _begin(self, offset: int) -> None:
        self._began, self._held, self._cut = offset, b"", 0
        self._turned = self._folds = False

    def _finished(self) -> RawLine:
        return RawLine(self._began, self._held, self._cut)

    def _grow(self, piece: bytes) -> None:
        """Takes more of the line under way: ``piece`` holds no line end."""
        written = piece.rstrip(b"\r")
        if written:
            over = written.rfind(b"\r")
            if over >= 0 or self._turned:
                self._folds = True
                self._keep(written[over + 1 :], 0)
            elif self._cut:
                self._cut += len(written)
            else:
                self._keep(self._held + written, 0)
            self._turned = False
        self._turned = self._turned or len(written) < len(piece)

    def _keep(self, data: bytes, cut: int) -> None:
        self._held, self._cut = data[:LIMIT_BYTES], cut + max(0, len(data) - LIMIT_BYTES)

    def _whole(self, offset: int, block: bytes, one_in: int) -> list[RawLine]:
        """The lines of a block that begins and ends with one."""
        pieces = block.split(b"\n")
        places = accumulate((len(piece) + 1 for piece in pieces), initial=offset)
        found = zip(places, pieces, strict=False)
        first = -self.lines % one_in
        self.lines += len(pieces)
        chosen = found if one_in == 1 else list(found)[first::one_in]
        if b"\r" not in block and len(block) <= LIMIT_BYTES:
            return [RawLine(place, piece) for place, piece in chosen]
        return [_folded(place, piece) for place, piece in chosen]


def _folded(offset: int, data: bytes) -> RawLine:
    if b"\r" in data:
        data = data.rstrip(b"\r").rpartition(b"\r")[2]
    if len(data) > LIMIT_BYTES:
        return RawLine(offset, data[:LIMIT_BYTES], len(data) - LIMIT_BYTES)
    return RawLine(offset, data)
