"""A file of sealed records, one a line: appended by one process, read by many, in increments."""

import os
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from workers.supervisor import storage
from workers.supervisor.sealed import Damaged, seal, unseal

Record = Dict[str, Any]
_PIECE_BYTES = 64 * 1024
_LINE_LIMIT_BYTES = 8 * 1024 * 1024
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class News(NamedTuple):
    """What a look at the file brought. ``anew``: it is another file now, everything before is void."""

    records: Tuple[Record, ...] = ()
    anew: bool = False


class RecordFile:
    """Where one reader is in the file. A look at an unchanged file is one ``stat``."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.damaged = 0  # lines that were no record and were skipped
        self.sequence = 0  # of the last good record
        self._identity: Optional[Tuple[int, int]] = None
        self._offset = 0  # behind the last whole line
        self._seen: Tuple[int, int] = (0, 0)  # size and time of change at the last look

    def read_new(self) -> News:
        """The records since the last look. Absent: none. Raises OSError where it cannot be read."""
        try:
            found = os.stat(self.path, follow_symlinks=False)
        except FileNotFoundError:
            return News(anew=self._forget())
        anew = False
        if (found.st_dev, found.st_ino) != self._identity or found.st_size < self._offset:
            anew = self._forget()
            self._identity = (found.st_dev, found.st_ino)
        elif found.st_size == self._offset or (found.st_size, found.st_mtime_ns) == self._seen:
            return News()  # it only grows
        self._seen = (found.st_size, found.st_mtime_ns if storage.is_settled(found) else -1)
        return News(tuple(self._read_on()), anew)

    @property
    def size(self) -> int:
        """Bytes of whole lines that were read."""
        return self._offset

    def append(self, fields: Mapping[str, Any]) -> "Tuple[News, Optional[OSError]]":
        """Adds one record durably, with the next ``seq``. Only the holder of the run's lock may.

        A torn tail is cut off first. Gives what a look at the file would, and the failed fsync that a new
        file made good. Raises OSError; then the file is as it was.
        """
        before = self.read_new()
        line = seal({"seq": self.sequence + 1, **fields}) + b"\n"
        failure = self._add(line)
        after = self.read_new()
        if after.anew:
            return after, failure
        return News(before.records + after.records, before.anew), failure

    def rewrite(self) -> Optional[OSError]:
        """Writes the good records as a new file, without the damaged ones."""
        good = RecordFile(self.path).read_new().records
        return storage.write_atomic(self.path, b"".join(seal(record) + b"\n" for record in good))

    def _add(self, line: bytes) -> Optional[OSError]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(self.path, flags, 0o600)
        try:
            with storage.naming(self.path):
                os.fchmod(file, 0o600)
                if os.fstat(file).st_size > self._offset:
                    os.ftruncate(file, self._offset)
                try:
                    storage.write_all(file, line)
                    return self._make_durable(file)
                except OSError:
                    os.ftruncate(file, self._offset)
                    raise
        finally:
            os.close(file)

    def _make_durable(self, file: int) -> Optional[OSError]:
        try:
            os.fsync(file)
        except OSError as error:
            error.filename = self.path
            # What of this file reached the disk is unknown now: another one takes its place.
            return self.rewrite() or error
        return None

    def _forget(self) -> bool:
        """Back to the start; True where something had been read before."""
        known = self._identity is not None
        self._identity = None
        self._seen = (0, 0)
        self._offset = self.sequence = self.damaged = 0
        return known

    def _read_on(self) -> List[Record]:
        file = os.open(self.path, _READ)
        try:
            with storage.naming(self.path):
                return self._records_of(file)
        finally:
            os.close(file)

    def _records_of(self, file: int) -> List[Record]:
        found: List[Record] = []
        rest, overlong = b"", False
        position = self._offset
        while True:
            piece = os.pread(file, _PIECE_BYTES, position)
            if not piece:
                return found
            position += len(piece)
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if not overlong:
                    self._take(line, found)
                overlong = False
            self._offset = position - len(rest)
            if len(rest) > _LINE_LIMIT_BYTES:
                self.damaged += not overlong
                rest, overlong = b"", True

    def _take(self, line: bytes, found: List[Record]) -> None:
        try:
            record = unseal(line)
            sequence = record.get("seq")
            if type(sequence) is not int:
                raise Damaged("no sequence")
        except Damaged:
            self.damaged += 1
            return
        self.sequence = max(self.sequence, sequence)
        found.append(record)
