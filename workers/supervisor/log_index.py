"""When the bytes of a log were written: the file ``index`` of an attempt.

Fixed records, each with its checksum. A mark says that all bytes of a stream below an offset had been
written at a time; a base says that the live file was cut by somebody else and counts anew from an offset:
the next multiple of ``ERA``, so that readers who saw the cut first know it too.
Times are hints for people and for merging: they are not synced, bases are.
"""

import os
import struct
import zlib
from bisect import bisect_right
from typing import Dict, List, NamedTuple, Optional, Tuple

RECORD = struct.Struct(">BQddI")  # stream and kind, offset, wall, boottime, crc of what is before
LIMIT_BYTES = 1024 * 1024  # then the older half loses every second mark
ERA = 1 << 48
_COARSEST_S, _COARSER_BY = 5.0, 0.001
_BASE = 0x80
_STREAMS = {"out": 0, "err": 1}
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class Mark(NamedTuple):
    """Everything below ``end`` was there at ``wall`` (s since the epoch; boottime: s since boot)."""

    end: int
    wall: float
    boottime: float


def next_era(offset: int) -> int:
    """Where offsets go on after a cut of the file in which ``offset`` lies."""
    return (offset // ERA + 1) * ERA


class StreamIndex:
    """The marks of one stream, and where its live file begins."""

    def __init__(self) -> None:
        self.ends: List[int] = []
        self.marks: List[Mark] = []
        self.base = 0

    @property
    def end(self) -> int:
        """The farthest byte that was ever seen."""
        return max(self.ends[-1] if self.ends else 0, self.base)

    def at(self, offset: int) -> Optional[Mark]:
        """The mark under which the byte at ``offset`` was written; None where it is newer than all."""
        place = bisect_right(self.ends, offset)
        return self.marks[place] if place < len(self.marks) else None

    def same_time_until(self, offset: int, now: float) -> Optional[int]:
        """How far what lies at ``offset`` counts as written at one time: up to one mark, or some seconds of
        what is long past. None where it is newer than all marks."""
        place = bisect_right(self.ends, offset)
        if place >= len(self.marks):
            return None
        first = self.marks[place].wall
        latest = first + min(_COARSEST_S, (now - first) * _COARSER_BY)
        while place + 1 < len(self.marks) and first <= self.marks[place + 1].wall <= latest:
            place += 1
        return self.ends[place]

    def known_end(self, offset: int) -> int:
        """The farthest byte that was seen in the era of ``offset``; not below ``offset``."""
        place = bisect_right(self.ends, next_era(offset) - 1)
        return max(offset, self.ends[place - 1] if place else 0)

    def take(self, kind: int, mark: Mark) -> None:
        if kind & _BASE:
            self.base = max(self.base, mark.end)
        elif not self.ends or mark.end > self.ends[-1]:
            self.ends.append(mark.end)
            self.marks.append(mark)


class LogIndex:
    """What the file says, read on in increments. Absent or damaged records are passed over."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._identity: Optional[Tuple[int, int]] = None
        self._place = 0
        self.streams: Dict[str, StreamIndex] = {name: StreamIndex() for name in _STREAMS}

    def refresh(self) -> bool:
        """Takes in what was appended; True where there was something. Never raises."""
        try:
            found = os.stat(self._path, follow_symlinks=False)
            identity = (found.st_dev, found.st_ino)
            if identity == self._identity and found.st_size == self._place:
                return False
            if identity != self._identity or found.st_size < self._place:
                self._identity, self._place = identity, 0
                self.streams = {name: StreamIndex() for name in _STREAMS}
            return self._read_on()
        except OSError:
            return False

    def _read_on(self) -> bool:
        file = os.open(self._path, _READ)
        try:
            data = os.pread(file, 2 * LIMIT_BYTES, self._place)
        finally:
            os.close(file)
        names = tuple(_STREAMS)
        whole = len(data) - len(data) % RECORD.size
        for kind, mark in _records(data[:whole]):
            self.streams[names[kind & 1]].take(kind, mark)
        self._place += whole
        return whole > 0


class IndexWriter:
    """Appends to the index. Only the holder of the run's lock may; a torn tail is cut off at the start."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = -1
        self._size = 0

    def mark(self, stream: str, mark: Mark) -> None:
        """Raises OSError where the disk refuses; then the index is as it was."""
        self._append(_STREAMS[stream], mark)
        if self._size > LIMIT_BYTES:
            self._thin()

    def base(self, stream: str, mark: Mark) -> None:
        """The live file counts from ``mark.end`` now; durable. Raises OSError."""
        self._append(_STREAMS[stream] | _BASE, mark)
        os.fsync(self._file)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, kind: int, mark: Mark) -> None:
        self._open()
        body = RECORD.pack(kind, mark.end, mark.wall, mark.boottime, 0)[:-4]
        record = body + struct.pack(">I", zlib.crc32(body))
        if os.write(self._file, record) < len(record):
            os.ftruncate(self._file, self._size)
            raise OSError(28, "no room for a whole record", self._path)
        self._size += len(record)

    def _open(self) -> None:
        if self._file >= 0 and os.fstat(self._file).st_nlink:
            return
        self.close()
        self._file = os.open(self._path, _APPEND, 0o600)
        os.fchmod(self._file, 0o600)
        size = os.fstat(self._file).st_size
        self._size = size - size % RECORD.size
        if self._size < size:
            os.ftruncate(self._file, self._size)

    def _thin(self) -> None:
        """A newer time for every second mark of the older half; bases stay."""
        file = os.open(self._path, _READ)
        try:
            data = os.pread(file, 2 * LIMIT_BYTES, 0)
        finally:
            os.close(file)
        size = RECORD.size
        half = len(data) // size // 2
        kept = [
            data[at * size : (at + 1) * size]
            for at in range(half)
            if at % 2 or data[at * size] & _BASE
        ]
        temporary = self._path + ".tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(temporary, flags, 0o600)
        try:
            content = b"".join(kept) + data[half * size :]
            if os.write(file, content) < len(content):
                raise OSError(28, "no room for the index", temporary)
            os.fsync(file)  # the bases in it were synced before
            os.rename(temporary, self._path)
        finally:
            os.close(file)
        self.close()


def _records(data: bytes) -> List[Tuple[int, Mark]]:
    found = []
    view = memoryview(data)
    for place in range(0, len(data), RECORD.size):
        kind, end, wall, boottime, crc = RECORD.unpack_from(data, place)
        if zlib.crc32(view[place : place + RECORD.size - 4]) == crc and not kind & 0x7E:
            found.append((kind, Mark(end, wall, boottime)))
    return found
