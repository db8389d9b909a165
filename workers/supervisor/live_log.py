"""The file a worker writes into, watched by its supervisor: how far it is, and whether somebody cut it."""

import os
import time
from typing import Optional

from workers.machine.boot import boottime
from workers.supervisor import events
from workers.supervisor.hole import punch
from workers.supervisor.log_index import IndexWriter, Mark, StreamIndex, next_era
from workers.supervisor.log_room import Report

_OPEN = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_MEMORY_BYTES = 64
_TRUST_S = 3.0  # a file's own time is believed within this


class LiveLog:
    """One stream's live file. ``end`` is the offset behind its last byte that was seen."""

    def __init__(
        self, path: str, stream: str, known: StreamIndex, sealed: int, index: IndexWriter
    ) -> None:
        self._path = path
        self._stream = stream
        self._index = index
        self.file = -1
        self.base = known.base
        self.sealed = sealed
        self.end = max(known.end, sealed)
        self.nameless = False  # deleted under the worker: only our descriptor still reaches it
        self._memory = b""
        self._marked = known.end

    @property
    def unsealed_bytes(self) -> int:
        return self.end - max(self.sealed, self.base)

    @property
    def start(self) -> int:
        """The first byte that no segment holds."""
        return max(self.sealed, self.base)

    @property
    def size(self) -> int:
        """Bytes in the file now; -1 where it is not open, or has lost its name. Raises OSError."""
        if self.file < 0:
            return -1
        found = os.fstat(self.file)
        return found.st_size if found.st_nlink else -1

    def look(self, report: Report) -> bool:
        """Notes what was written since the last look; True where it grew. Raises OSError."""
        if self.file < 0 and not self._open():
            return False
        found = os.fstat(self.file)
        self.nameless = found.st_nlink == 0
        end = self.base + found.st_size
        if end == self.end and self._marked >= end:
            return False
        if end < self.end or not self._remembers():
            self._cut(report)
            end = self.base + found.st_size
        grew = end > self.end
        self.end = end
        self._remember()
        self._note(end, found.st_mtime)
        return grew

    def punch(self) -> None:
        """Gives back the blocks of what is sealed. Raises OSError."""
        punch(self.file, 0, self.sealed - self.base)

    def close(self) -> None:
        if self.file >= 0:
            os.close(self.file)
            self.file = -1

    def _open(self) -> bool:
        try:
            self.file = os.open(self._path, _OPEN)
        except FileNotFoundError:
            return False
        return True

    def _note(self, end: int, written: float) -> None:
        if end <= self._marked:
            return
        try:
            self._index.mark(self._stream, _mark(end, written))
            self._marked = end
        except OSError:
            pass  # a time is only a hint, and a full disk needs the rotation that comes next

    def _cut(self, report: Report) -> None:
        """Somebody truncated it: what it holds now begins a new era of offsets."""
        lost_from, lost_to = self.start, self.end
        base = next_era(self.base)
        self._index.base(self._stream, _mark(base, None))
        self.base = self.end = self._marked = base
        self._memory = b""
        report(
            events.GAP,
            stream=self._stream,
            start=lost_from,
            end=lost_to,
            why=f"{self._stream}.log was truncated by somebody else",
        )

    def _remembers(self) -> bool:
        """Whether the last bytes we saw are still there: a file may be cut and grow past us at once."""
        size = len(self._memory)
        if not size or self.end - size < self.start:
            return True
        return os.pread(self.file, size, self.end - self.base - size) == self._memory

    def _remember(self) -> None:
        size = min(_MEMORY_BYTES, self.end - self.start)
        self._memory = os.pread(self.file, size, self.end - self.base - size) if size > 0 else b""


def _mark(end: int, written: Optional[float]) -> Mark:
    """Now, or the time the file says, where that is not far off: it was written before we looked."""
    wall, since_boot = time.time(), boottime()
    if written is not None and wall - _TRUST_S < written <= wall:
        return Mark(end, written, since_boot - (wall - written))
    return Mark(end, wall, since_boot)
