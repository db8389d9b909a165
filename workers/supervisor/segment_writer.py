"""One segment on its way: copied and compressed in slices, durable under its name, then the hole.

Killed at any step it loses and doubles nothing: until the rename the live file is the truth, from then on
the segment is, and a hole that is missing is punched by the next one who rotates.
"""

import os
import zlib

from workers.supervisor.segments import TEMPORARY, name_of
from workers.supervisor.storage import sync_folder, write_all

SLICE_BYTES = 512 * 1024  # a few milliseconds: the loop that calls us has more to do
LEVEL = 1  # 6 saves a tenth and costs four times as much
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Torn(Exception):
    """The live file was cut while it was copied: there is nothing to seal."""


class SegmentWriter:
    """Seals bytes [start, end) of a stream; they lie at ``start - base`` in the live file."""

    def __init__(self, folder: str, stream: str, start: int, end: int, base: int) -> None:
        self.start, self.end = start, end
        self._folder = folder
        self._path = os.path.join(folder, name_of(stream, start, end))
        self._temporary = self._path[: -len(".gz")] + TEMPORARY
        self._shift = base
        self._place = start
        self._deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
        self._file = os.open(self._temporary, _FRESH, 0o600)
        os.fchmod(self._file, 0o600)

    def copy(self, live: int) -> bool:
        """Takes in one slice; True when all is there. Raises Torn, OSError."""
        wanted = min(SLICE_BYTES, self.end - self._place)
        data = os.pread(live, wanted, self._place - self._shift)
        if len(data) < wanted:
            raise Torn
        self._place += len(data)
        write_all(self._file, self._deflate.compress(data))
        if self._place < self.end:
            return False
        write_all(self._file, self._deflate.flush())
        return True

    def publish(self) -> None:
        """Makes it durable under its name. Raises OSError."""
        os.fsync(self._file)
        os.close(self._file)
        self._file = -1
        os.rename(self._temporary, self._path)
        sync_folder(self._folder)

    def abandon(self) -> None:
        """Lets go of it, and of what lies there of an unfinished one."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        try:
            os.unlink(self._temporary)
        except OSError:
            pass
