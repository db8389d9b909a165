"""The sealed parts of a log: ``out.<start>-<end>.gz``, and what of a stream lies where.

Offsets count from the first byte of the attempt's stream, for ever. A byte that a segment holds is read
there and nowhere else, so a segment whose hole was not punched yet doubles nothing.
"""

import os
from typing import Any, List, NamedTuple, Optional, Tuple

SUFFIX = ".gz"
TEMPORARY = ".gz.tmp"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_PIECE_BYTES = 256 * 1024


class Segment(NamedTuple):
    """Bytes [start, end) of a stream, in a file of this name."""

    start: int
    end: int
    name: str


def name_of(stream: str, start: int, end: int) -> str:
    return f"{stream}.{start}-{end}{SUFFIX}"


def list_segments(folder: str, stream: str) -> Tuple[Segment, ...]:
    """The segments of a stream in order. Raises OSError where the folder cannot be read."""
    found = [_parse(name, stream) for name in os.listdir(folder) if name.endswith(SUFFIX)]
    return tuple(sorted(segment for segment in found if segment is not None))


def sealed_end(segments: Tuple[Segment, ...]) -> int:
    """Where the live file begins to count."""
    return max((segment.end for segment in segments), default=0)


def holder(segments: Tuple[Segment, ...], offset: int) -> Optional[Segment]:
    """The segment that holds this byte."""
    low, high = 0, len(segments)
    while low < high:
        middle = (low + high) // 2
        if segments[middle].end <= offset:
            low = middle + 1
        else:
            high = middle
    if low < len(segments) and segments[low].start <= offset:
        return segments[low]
    return None


def next_start(segments: Tuple[Segment, ...], offset: int, otherwise: int) -> int:
    """The first byte behind ``offset`` that a segment holds."""
    return min((s.start for s in segments if s.start > offset), default=otherwise)


def _parse(name: str, stream: str) -> Optional[Segment]:
    words = name[: -len(SUFFIX)].split(".")
    if len(words) != 2 or words[0] != stream:
        return None
    start, _, end = words[1].partition("-")
    if not (start.isascii() and start.isdigit() and end.isascii() and end.isdigit()):
        return None
    segment = Segment(int(start), int(end), name)
    return segment if segment.start < segment.end else None


class SegmentReader:
    """Reads one segment from front to back; a step back begins anew."""

    def __init__(self, folder: str, segment: Segment) -> None:
        self.segment = segment
        self._path = os.path.join(folder, segment.name)
        self._file = -1
        self._inflate: Any = None
        self._ahead = b""
        self._place = segment.start

    def read(self, offset: int, limit: int) -> bytes:
        """At most ``limit`` bytes from ``offset`` on; b"" where it is damaged. Raises OSError."""
        if self._file < 0 or offset < self._place:
            self._rewind()
        while True:
            skip = offset - self._place
            if skip < len(self._ahead):
                data = self._ahead[skip : skip + limit]
                self._ahead = self._ahead[skip + len(data) :]
                self._place = offset + len(data)
                return data
            self._place += len(self._ahead)
            self._ahead = self._more()
            if not self._ahead:
                return b""

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _rewind(self) -> None:
        import zlib

        self.close()
        self._file = os.open(self._path, _READ)
        self._inflate = zlib.decompressobj(31)
        self._ahead = b""
        self._place = self.segment.start

    def _more(self) -> bytes:
        import zlib

        try:
            while not self._inflate.eof:
                packed = self._inflate.unconsumed_tail or os.read(self._file, _PIECE_BYTES)
                data = bytes(self._inflate.decompress(packed, _PIECE_BYTES))
                if data or not packed:
                    return data
        except zlib.error:
            pass
        return b""


def leftovers(folder: str, stream: str) -> List[str]:
    """Paths of segments that were never finished."""
    return [
        os.path.join(folder, name)
        for name in os.listdir(folder)
        if name.startswith(stream + ".") and name.endswith(TEMPORARY)
    ]
