"""The newest bytes of one log on this machine's disk: two files, of which the older gives way.

Records carry their own checksum, so that a torn end is passed over. Nothing a node says becomes part of a
path. Not for the event loop: everything here waits for the disk.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from workers.protocol import FILE, LogChunk

HALF_BYTES = 4 * 1024 * 1024
_HEAD = struct.Struct(">4sQdIBII")  # mark, offset, clock, attempt, which, bytes, crc of all of it
_MARK = b"qdl1"
_MOST_BYTES = 8 * 1024 * 1024
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class LogRing:
    """`folder` and the two above it are made, and private, when something is kept. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._new = folder / "new"
        self._old = folder / "old"

    def append(self, chunks: Iterable[LogChunk]) -> int:
        """Keeps these; gives the bytes written."""
        data = b"".join(_record(chunk) for chunk in chunks)
        if not data:
            return 0
        for place in (self.folder.parent.parent, self.folder.parent, self.folder):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.chmod(0o700)  # whatever the umask was
        file = os.open(self._new, _APPEND, 0o600)
        try:
            os.fchmod(file, 0o600)
            before = os.fstat(file).st_size
            if os.write(file, data) < len(data):
                os.ftruncate(file, before)
                return 0
        finally:
            os.close(file)
        if before + len(data) > HALF_BYTES:
            os.replace(self._new, self._old)
        return len(data)

    def read(self, most_bytes: int) -> tuple[tuple[LogChunk, ...], float]:
        """The newest chunks in the order in which they came, each byte once; the wall clock of the newest.

        Empty and 0.0 where nothing is kept.
        """
        found: list[LogChunk] = []
        clock = 0.0
        for path in (self._old, self._new):
            try:
                content, changed = _content(path)
            except FileNotFoundError:
                continue
            found += _chunks(content)
            clock = max(clock, changed)
        return tuple(_newest(_once(found), most_bytes)), clock

    def mend(self) -> None:
        """Sets aside a file whose end is torn: what is appended behind it could not be read."""
        try:
            content, _ = _content(self._new)
        except FileNotFoundError:
            return
        if sum(_HEAD.size + len(chunk.data) for chunk in _chunks(content)) < len(content):
            os.replace(self._new, self._old)


def _record(chunk: LogChunk) -> bytes:
    values = chunk.offset, chunk.clock, chunk.attempt, chunk.which, len(chunk.data)
    crc = zlib.crc32(chunk.data, zlib.crc32(repr(values).encode()))
    return _HEAD.pack(_MARK, *values, crc) + chunk.data


def _chunks(content: bytes) -> Iterator[LogChunk]:
    place = 0
    while place + _HEAD.size <= len(content):
        mark, offset, clock, attempt, which, size, crc = _HEAD.unpack_from(content, place)
        data = content[place + _HEAD.size : place + _HEAD.size + size]
        values = offset, clock, attempt, which, size
        if mark != _MARK or which > FILE or len(data) < size:
            return
        if zlib.crc32(data, zlib.crc32(repr(values).encode())) != crc:
            return
        yield LogChunk(attempt, which, offset, clock, data)
        place += _HEAD.size + size


def _once(chunks: Iterable[LogChunk]) -> Iterator[LogChunk]:
    """Two views of one log, or two consoles, keep the same bytes twice."""
    ends: dict[tuple[int, int], int] = {}
    for chunk in chunks:
        key = (chunk.attempt, chunk.which)
        known = ends.get(key, chunk.offset)
        end = chunk.offset + len(chunk.data)
        if end > known:
            start = max(chunk.offset, known)
            yield chunk._replace(offset=start, data=chunk.data[start - chunk.offset :])
            ends[key] = end


def _newest(chunks: Iterable[LogChunk], most_bytes: int) -> list[LogChunk]:
    found = list(chunks)
    left = most_bytes
    for place in range(len(found) - 1, -1, -1):
        left -= len(found[place].data)
        if left < 0:
            return found[place + 1 :]
    return found


def _content(path: Path) -> tuple[bytes, float]:
    file = os.open(path, _READ)
    with os.fdopen(file, "rb") as opened:
        return opened.read(_MOST_BYTES), os.fstat(file).st_mtime
