"""What people want of a run: ``desired.json``, written by agents, obeyed by the pair."""

import os
from typing import Any, Mapping, NamedTuple, Optional

from workers.machine.boot import boottime
from workers.protocol import decode, plain
from workers.supervisor import storage

SCHEMA = 1
WANTS = {
    "start": "running",
    "restart": "running",
    "restart_force": "running",
    "stop": "stopped",
    "kill": "stopped",
    "drain": "drained",
}
_PATIENCE_S = 2.0  # the lock is held for two writes


class Superseded(Exception):
    """Somebody wanted something else since. ``current`` is what holds."""

    def __init__(self, current: "Desired") -> None:
        super().__init__(
            f"{current.by or 'somebody'} wanted {current.act} since ({current.sequence})"
        )
        self.current = current


class Desired(NamedTuple):
    """The last wish. ``boottime`` is the clock since boot when it was made."""

    sequence: int = 0
    want: str = "running"  # running, stopped, drained
    act: str = "start"
    grace_s: Optional[float] = None
    by: str = ""
    boottime: float = 0.0
    schema: int = SCHEMA


def desired_of(body: Mapping[str, Any]) -> Desired:
    """Raises ProtocolError. Fields of a later release are ignored."""
    found: Desired = decode(Desired, dict(body))
    return found


def first(by: str) -> Desired:
    """What the start of a run means."""
    return Desired(1, "running", "start", None, by, boottime())


def following(current: Desired, act: str, by: str, grace_s: Optional[float]) -> Desired:
    """The wish after ``current``. Raises ValueError for an act that is none."""
    if act not in WANTS:
        raise ValueError(f"{act!r} is nothing that can be wanted of a run")
    return Desired(current.sequence + 1, WANTS[act], act, grace_s, by, boottime())


def write(path: str, desired: Desired) -> Optional[OSError]:
    """As ``storage.write_sealed``."""
    return storage.write_sealed(path, plain(desired))


class Turn:
    """One writer of ``desired.json`` at a time; a context. Raises OSError (ETIMEDOUT) after two seconds."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = -1

    def __enter__(self) -> "Turn":
        import errno

        file = storage.wait_lock(self._path, _PATIENCE_S)
        if file is None:
            raise OSError(errno.ETIMEDOUT, "another agent is writing it", self._path)
        self._file = file
        return self

    def __exit__(self, *_: Any) -> None:
        os.close(self._file)
