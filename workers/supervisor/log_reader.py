"""Reads one stream of one attempt from any offset on: sealed segments, then the live file.

It may run beside the rotation and beside the worker, in another process. What is gone is said once, with
its byte count; nothing is given twice.
"""

import os
import time
from typing import List, NamedTuple, Optional, Tuple, Union

from workers.supervisor.log_index import LogIndex, next_era
from workers.supervisor.paths import AttemptPaths
from workers.supervisor.segments import (
    Segment,
    SegmentReader,
    holder,
    list_segments,
    next_start,
    sealed_end,
)
from workers.supervisor.storage import is_settled

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_MEMORY_BYTES = 64
_TRIES = 8  # against a rotation that works at the same time


class Piece(NamedTuple):
    """Bytes as they were written; ``clock`` is the wall clock when they were, 0.0 where unknown."""

    offset: int
    data: bytes
    clock: float

    @property
    def end(self) -> int:
        return self.offset + len(self.data)


class Loss(NamedTuple):
    """Bytes [start, end) that nobody can read any more; at least ``bytes`` of them had been written."""

    kind: str  # gap, truncated
    start: int
    end: int
    bytes: int
    text: str


Found = Union[Piece, Loss, None]


class StreamReader:
    """``index`` is the attempt's, shared by its streams. No method raises OSError."""

    def __init__(self, paths: AttemptPaths, stream: str, index: LogIndex) -> None:
        self._folder = paths.folder
        self._path = paths.log(stream)
        self._stream = stream
        self._index = index
        self._segments: Tuple[Segment, ...] = ()
        self._sealed: Optional[SegmentReader] = None
        self._file = -1
        self._base = 0
        self._memory = (0, b"")  # the last bytes that were read, and where they end
        self._listed = (0, 0)
        self._sealed_end = 0
        self.by_time = True
        """Whether a piece is of one time; else it is as long as may be."""
        self._refresh()

    @property
    def end(self) -> int:
        """Behind the last byte there is now."""
        self._refresh()
        size = os.fstat(self._file).st_size if self._open() else 0
        return max(self._live_start, self._base + size)

    @property
    def start(self) -> int:
        """The first byte that can still be read."""
        self._refresh()
        return min((s.start for s in self._segments), default=self._live_start)

    @property
    def missing(self) -> bool:
        """True where there is no live file."""
        return not self._open()

    def spans(self) -> List[Tuple[int, int]]:
        """What can be read, in order: [start, end) of each segment and of the live file."""
        end = self.end
        found = [(segment.start, segment.end) for segment in self._segments]
        return [*found, (self._live_start, end)] if end > self._live_start else found

    def read(self, offset: int, limit: int) -> Found:
        """At most ``limit`` bytes from ``offset`` on, of one time; None where there are none yet."""
        for _ in range(_TRIES):
            before = self._live_start
            sealed = offset < before
            found = self._read_sealed(offset, limit) if sealed else self._read_live(offset, limit)
            self._refresh()
            if self._live_start == before or isinstance(found, Loss):
                return found
            if isinstance(found, Piece) and (sealed or offset >= self._live_start):
                return found
            # A segment was cut off meanwhile: a hole may have come under what was read.
        return None

    def clock(self, offset: int) -> float:
        """When the byte was written; 0.0 where unknown."""
        mark = self._index.streams[self._stream].at(offset)
        return mark.wall if mark is not None else 0.0

    def close(self) -> None:
        if self._sealed is not None:
            self._sealed.close()
            self._sealed = None
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    # ------------------------------------------------------------ what is where

    @property
    def _live_start(self) -> int:
        return max(self._sealed_end, self._base)

    def _refresh(self) -> None:
        """Looks at the folder and the index again."""
        try:
            self._list()
        except OSError:
            pass  # the folder is gone: what is open can still be read
        self._index.refresh()
        self._base = max(self._base, self._index.streams[self._stream].base)

    def _list(self) -> None:
        """A folder whose times did not change, and have settled, holds what it held."""
        found = os.stat(self._folder)
        if self._listed == (found.st_ino, found.st_mtime_ns):
            return
        self._segments = list_segments(self._folder, self._stream)
        self._sealed_end = sealed_end(self._segments)
        self._listed = (found.st_ino, found.st_mtime_ns) if is_settled(found) else (0, 0)

    def _open(self) -> bool:
        if self._file < 0:
            try:
                self._file = os.open(self._path, _OPEN)
            except OSError:
                return False
        return True

    # ------------------------------------------------------------ sealed

    def _read_sealed(self, offset: int, limit: int) -> Found:
        segment = holder(self._segments, offset)
        if segment is None:
            return self._lost(offset, next_start(self._segments, offset, self._live_start))
        if self._sealed is None or self._sealed.segment != segment:
            if self._sealed is not None:
                self._sealed.close()
            self._sealed = SegmentReader(self._folder, segment)
        try:
            data = self._sealed.read(offset, self._in_one_mark(offset, limit))
        except OSError:
            self._refresh()
            if segment not in self._segments:  # dropped meanwhile
                return self._read_sealed(offset, limit)
            data = b""
        if not data:
            text = f"{segment.name} cannot be read"
            return Loss("gap", offset, segment.end, segment.end - offset, text)
        return Piece(offset, data, self.clock(offset))

    def _lost(self, offset: int, end: int) -> Loss:
        known = self._index.streams[self._stream].known_end(offset)
        if next_era(offset) <= end:
            return self._truncated(offset, end, known - offset)
        text = "the oldest part was dropped to keep room on the disk"
        return Loss("gap", offset, end, end - offset, text)

    def _truncated(self, offset: int, end: int, count: int) -> Loss:
        return Loss("truncated", offset, end, count, f"{self._stream}.log was cut by somebody else")

    # ------------------------------------------------------------ live

    def _read_live(self, offset: int, limit: int) -> Found:
        if not self._open():
            return None
        found = os.fstat(self._file)
        place = offset - self._base
        if found.st_size < place or not self._remembers(offset):
            return self._cut(offset)
        data = os.pread(self._file, self._in_one_mark(offset, limit), place)
        if not data:
            return None
        self._memory = (offset + len(data), data[-_MEMORY_BYTES:])
        clock = self.clock(offset) or min(time.time(), found.st_mtime)
        return Piece(offset, data, clock)

    def _remembers(self, offset: int) -> bool:
        """Whether what we read last is still there: a file may be cut and grow past us at once."""
        end, data = self._memory
        if end != offset or not data or offset - len(data) < self._live_start:
            return True
        if os.pread(self._file, len(data), end - len(data) - self._base) == data:
            return True
        self._refresh()  # it may be a hole by now
        return offset - len(data) < self._live_start

    def _cut(self, offset: int) -> Found:
        before = self._live_start
        self._refresh()
        if self._live_start != before:
            return None  # the rotation has seen it, or sealed up to here
        known = self._index.streams[self._stream].known_end(offset)
        self._base = next_era(self._base)
        self._memory = (0, b"")
        return self._truncated(offset, self._base, known - offset)

    def _in_one_mark(self, offset: int, limit: int) -> int:
        if not self.by_time:
            return limit
        end = self._index.streams[self._stream].same_time_until(offset, time.time())
        return limit if end is None else min(limit, end - offset)
