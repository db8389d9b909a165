"""Which process an attempt is: ``pid.json``, durable before the worker's first instruction."""

from typing import NamedTuple, Optional

from workers.protocol import ProtocolError, decode, plain
from workers.supervisor import storage
from workers.supervisor.sealed import Damaged, unseal


class PidRecord(NamedTuple):
    """The identity that a signal is checked against. Numbers of the PID namespace named."""

    attempt: int
    pid: int
    ticks: int  # when it started, in clock ticks since boot
    boot_id: str = ""
    namespace: int = 0  # inode of its PID namespace, which a later one may get again
    init_ticks: Optional[int] = None  # when process 1 of that namespace started
    token: str = ""
    cgroup: str = ""
    pidfd_inode: Optional[int] = None
    shim: Optional[int] = None
    guardian: Optional[int] = None
    boottime: float = 0.0
    schema: int = 1


def write(path: str, record: PidRecord) -> Optional[OSError]:
    """As ``storage.write_sealed``."""
    return storage.write_sealed(path, plain(record))


def read(path: str) -> Optional[PidRecord]:
    """The record; None where there is none, or it is damaged. Raises no error."""
    try:
        found: PidRecord = decode(PidRecord, unseal(storage.read_file(path)))
    except (OSError, Damaged, ProtocolError):
        return None
    return found
