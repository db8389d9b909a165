"""Any file of the node, followed through whatever happens to its name.

The chunks' ``attempt`` is a mark of the file they are of: another file, or the same one cut, has another
mark, so that a reader who comes back is told where its position means nothing any more.
"""

import errno
import os
import stat
import time
import zlib
from typing import List, Optional, Tuple, Union

from workers.protocol import FILE, LogChunk, LogPosition, OpenTail, TailNote

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MEMORY_BYTES = 64
_PATIENCE_S = (
    1.0  # an empty successor is not taken at once: the writer may not have changed over yet
)
_NOTHING = "no file has this name now; waiting for one"
Item = Union[LogChunk, TailNote]


class FileSource:
    """``path`` is absolute. Raises OSError where there is nothing to follow, or what must not be read."""

    over = False  # a file may always grow

    def __init__(self, path: str, want: OpenTail) -> None:
        self._path = path
        self._follow = want.follow
        self._notes: List[TailNote] = []
        self._file = -1
        self._cuts = 0
        self._head = b""
        self._memory = b""
        self._offset = 0
        self._size = 0
        self._mark = 0
        self._missing = ""
        self._successor_at: Optional[float] = None
        try:
            self._take_file()
        except FileNotFoundError:
            if not self._follow:
                raise
            self._say_missing(_NOTHING)
        else:
            self._start(want)

    def read(self, limit: int) -> Optional[Item]:
        """What comes next; None where there is nothing now. Raises OSError where the disk fails."""
        chunk = self._read(limit) if not self._notes else None
        if self._notes:
            return self._notes.pop(0)
        return chunk

    @property
    def mark(self) -> int:
        """Of the file that is read now."""
        return self._mark

    @property
    def size(self) -> int:
        """Its bytes when it was last looked at."""
        return self._size

    @property
    def descriptor(self) -> int:
        """-1 where there is no file."""
        return self._file

    @property
    def behind_bytes(self) -> int:
        """What is there and was not read."""
        return max(0, self._size - self._offset)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    # ------------------------------------------------------------ one file

    def _read(self, limit: int) -> Optional[LogChunk]:
        if self._file < 0:
            self._look_for_next()
            return None
        found = os.fstat(self._file)
        if found.st_size < self._offset or not self._remembers(found.st_size):
            self._cut(found.st_size)
            return None
        self._size = found.st_size
        data = os.pread(self._file, limit, self._offset)
        if not data:
            if self._follow:
                self._look_for_next()
            return None
        chunk = LogChunk(self._mark, FILE, self._offset, self._clock(found), data)
        self._offset += len(data)
        self._memory = (self._memory + data[-_MEMORY_BYTES:])[-_MEMORY_BYTES:]
        return chunk

    def _take_file(self) -> None:
        file = os.open(self._path, _OPEN)
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "not a plain file", self._path)
            self._head = os.pread(file, _MEMORY_BYTES, 0)
        except OSError:
            os.close(file)
            raise
        self.close()
        self._file, self._size = file, found.st_size
        self._offset, self._memory, self._cuts = 0, b"", 0
        self._missing, self._successor_at = "", None
        self._identity = (found.st_dev, found.st_ino)
        self._mark = self._marks()[0]

    def _marks(self) -> Tuple[int, int]:
        """The file's marks: with its first bytes where there are enough, and without them."""
        named = b"%d:%d:" % self._identity
        bare = zlib.crc32(named) << 8 & 0xFFFF_FF00
        if len(self._head) < _MEMORY_BYTES:
            return bare, bare
        return zlib.crc32(named + self._head) << 8 & 0xFFFF_FF00, bare

    def _start(self, want: OpenTail) -> None:
        if want.positions:
            self._resume(want.positions[-1])
        elif want.back_bytes >= 0:
            self._offset = max(0, self._size - want.back_bytes)
            self._skip_to_line()
        self._memory = self._before(self._offset)
        self._notes.append(TailNote("start", "", self._mark, FILE, self._offset))

    def _resume(self, position: LogPosition) -> None:
        same = position.attempt & 0xFFFF_FF00 in self._marks()
        if same and position.offset <= self._size:
            self._mark, self._cuts = position.attempt, position.attempt & 0xFF
            self._offset = position.offset
        elif same:
            self._mark = position.attempt
            self._note_cut("truncated", f"cut from {position.offset} to {self._size} bytes", 0)
        else:
            self._notes.append(self._note("replaced", "another file has this name now", 0))

    def _skip_to_line(self) -> None:
        if self._offset > 0:
            head = os.pread(self._file, 65_536, self._offset - 1)
            self._offset += head.find(b"\n") if b"\n" in head else 0

    def _remembers(self, size: int) -> bool:
        """Whether what we read last is still there: a file may be cut and grow past us at once."""
        return size == self._size or self._before(self._offset) == self._memory

    def _before(self, offset: int) -> bytes:
        count = min(_MEMORY_BYTES, offset)
        return os.pread(self._file, count, offset - count) if count else b""

    def _cut(self, size: int) -> None:
        lost = max(0, self._size - self._offset)
        text = f"cut from {max(self._size, self._offset)} bytes by its writer or its rotation"
        self._note_cut("truncated", text, lost)
        self._size = size

    def _note_cut(self, kind: str, text: str, lost: int) -> None:
        self._cuts = (self._cuts + 1) & 0xFF
        self._mark = self._mark & 0xFFFF_FF00 | self._cuts
        self._offset, self._memory = 0, b""
        self._notes.append(self._note(kind, text, lost))

    def _note(self, kind: str, text: str, lost: int) -> TailNote:
        return TailNote(kind, f"{self._path}: {text}", self._mark, FILE, self._offset, lost)

    def _clock(self, found: os.stat_result) -> float:
        """The file's own time for what lies at its end; what lies before was written sometime."""
        return min(time.time(), found.st_mtime) if self._follow and self._at_end(found) else 0.0

    def _at_end(self, found: os.stat_result) -> bool:
        return time.time() - found.st_mtime < 2.0 and self._offset + 65_536 >= found.st_size

    # ------------------------------------------------------------ its name

    def _look_for_next(self) -> None:
        """Looks whether the name belongs to another file by now."""
        try:
            there = os.stat(self._path, follow_symlinks=False)
            if self._file >= 0 and (there.st_dev, there.st_ino) == self._identity:
                self._missing = ""
                return
            if self._file >= 0 and there.st_size == 0 and not self._waited():
                return
            first = self._file < 0
            self._take_file()
        except FileNotFoundError:
            self._say_missing(_NOTHING)
        except OSError as error:
            linked = error.errno == errno.ELOOP
            text = "a symbolic link is not followed" if linked else error.strerror
            self._say_missing(text or "cannot be read")
        else:
            kind, text = ("start", "") if first else ("replaced", "another file has this name now")
            self._notes.append(self._note(kind, text, 0))

    def _waited(self) -> bool:
        now = time.monotonic()
        if self._successor_at is None:
            self._successor_at = now
        return now - self._successor_at > _PATIENCE_S

    def _say_missing(self, text: str) -> None:
        if text != self._missing:
            self._missing = text
            self._notes.append(self._note("missing", text, 0))
