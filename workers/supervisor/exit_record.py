"""How an attempt ended, in a slot that was allocated before it began: it can be written on a full disk."""

import errno
import os
from typing import Any, Dict, NamedTuple, Optional

from workers.protocol import ProtocolError, decode, plain
from workers.supervisor import storage
from workers.supervisor.sealed import Damaged, seal, unseal

SLOT_BYTES = 4096
_BLANK = b"\n" * SLOT_BYTES
_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class ExitRecord(NamedTuple):
    """``code`` or ``signal`` is None where the other is known; both are where nobody saw it."""

    attempt: int
    code: Optional[int] = None
    signal: Optional[int] = None
    core: bool = False
    oom: bool = False
    asked: bool = False  # a stop was asked for
    leftovers: int = 0  # processes that outlived the main one
    max_rss_bytes: Optional[int] = None
    cpu_s: Optional[float] = None
    wall: float = 0.0
    boottime: float = 0.0
    boot_id: str = ""
    pid: Optional[int] = None
    by: str = ""  # who saw it: shim, guardian, agent
    schema: int = 1


def prepare(path: str) -> None:
    """Allocates the slot, durably. Raises OSError: without it an attempt must not begin."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(path, flags, 0o600)
    try:
        with storage.naming(path):
            os.fchmod(file, 0o600)
            # Written and not only allocated: an overwrite then needs no block of any kind.
            os.posix_fallocate(file, 0, SLOT_BYTES)
            os.pwrite(file, _BLANK, 0)
            os.fsync(file)
    finally:
        os.close(file)
    storage.sync_folder(os.path.dirname(path))


def write(path: str, record: ExitRecord) -> Optional[OSError]:
    """Writes the record into its slot, durably.

    Gives the failed fsync that another file made good, None where there was none. Raises OSError.
    """
    line = seal(plain(record))
    if len(line) >= SLOT_BYTES:
        raise OSError(errno.EFBIG, "longer than its slot", path)
    content = line + _BLANK[len(line) :]
    file = os.open(path, _WRITE)
    try:
        with storage.naming(path):
            os.pwrite(file, content, 0)
            os.fsync(file)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        # Whether the slot holds it is unknown now: another file takes its place.
        return storage.write_atomic(path, content) or error
    finally:
        os.close(file)
    return None


def fields(record: ExitRecord) -> Dict[str, Any]:
    """What an EXITED event carries of it, the clocks of the end included where it has them."""
    left_out = {"schema", "pid", "by"}
    if not record.boot_id:
        left_out |= {"wall", "boottime", "boot_id"}
    return {name: value for name, value in plain(record).items() if name not in left_out}


def read(path: str) -> Optional[ExitRecord]:
    """The record; None where none was written, or what lies there is damaged. Raises no error."""
    try:
        found: ExitRecord = decode(ExitRecord, unseal(storage.read_file(path)))
    except (OSError, Damaged, ProtocolError):
        return None
    return found
