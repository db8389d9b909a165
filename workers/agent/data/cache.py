"""What is remembered of counted files between two agents. Disposable: without it, files are read again.

One file per node in the state directory (a home may be shared by many nodes), replaced atomically,
0600. Its first line holds the CRC of the rest; what does not check is as good as absent.
"""

import json
import os
import stat
import zlib
from typing import Any, Dict, List, Optional, Tuple

from workers.agent.data.entry import Entry

SCHEMA = 1
MAX_BYTES = 256 * 1024 * 1024

Key = Tuple[int, int]
Table = Dict[Key, Entry]


class CountCache:
    """Tables of entries by (device, inode). ``fault`` says why the last save failed."""

    def __init__(self, state_directory: Optional[str]) -> None:
        self.fault: Optional[str] = None
        self.tables: Dict[str, Table] = {}
        self._directory = state_directory
        if state_directory is not None:
            self.tables = _load(os.path.join(state_directory, _file_name()))

    def table(self, name: str) -> Table:
        return self.tables.setdefault(name, {})

    def save(self) -> None:
        """Replaces the file. A failure costs a recount after the next start and nothing else."""
        if self._directory is None:
            return
        try:
            os.makedirs(self._directory, mode=0o700, exist_ok=True)
            _replace(self._directory, _file_name(), _encode(self.tables))
            self.fault = None
        except OSError as error:
            self.fault = f"counts are not remembered: {error}"


def _file_name() -> str:
    identity = os.uname().nodename.encode("utf-8", "surrogateescape")
    try:
        with open("/etc/machine-id", "rb") as file:
            identity += file.read(64)
    except OSError:
        pass
    return f"counts-{zlib.crc32(identity):08x}.json"


def _encode(tables: Dict[str, Table]) -> bytes:
    rows = {
        name: [list(key + entry) for key, entry in table.items()] for name, table in tables.items()
    }
    body = json.dumps(rows, separators=(",", ":")).encode("ascii")
    return b'{"schema":%d,"crc":%d}\n' % (SCHEMA, zlib.crc32(body)) + body


def _replace(directory: str, name: str, data: bytes) -> None:
    temporary = os.path.join(directory, f".{name}.{os.getpid()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        os.unlink(temporary)  # of an agent with this pid that was killed
    except FileNotFoundError:
        pass
    try:
        with open(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, os.path.join(directory, name))
    except OSError:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _load(path: str) -> Dict[str, Table]:
    """The tables in a file; none where it is absent, foreign, torn or not of this shape."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                return {}
            if status.st_size > MAX_BYTES:
                return {}
            head, _, body = file.read(MAX_BYTES).partition(b"\n")
        if json.loads(head) != {"schema": SCHEMA, "crc": zlib.crc32(body)}:
            return {}
        return {name: _rows(rows) for name, rows in json.loads(body).items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, MemoryError):
        return {}


_SHAPE = (int, int, int, int, int, bool, int, int, int, int, bool)


def _rows(rows: List[Any]) -> Table:
    """Raises ValueError at the first row of another shape."""
    table: Table = {}
    for row in rows:
        if len(row) != 12 or tuple(map(type, row[:11])) != _SHAPE:
            raise ValueError("not a row of counts")
        if row[11] is not None and type(row[11]) is not str:
            raise ValueError("not a fault in words")
        entry = Entry(*row[2:])
        if not 0 <= entry.base <= entry.records < 2**53 or entry.offset < 0:
            raise ValueError("not a count")
        table[(row[0], row[1])] = entry
    return table
