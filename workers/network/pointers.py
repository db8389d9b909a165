"""Names that move: ``latest`` and ``best`` are text files that hold a checkpoint's name.

A pointer changes by compare-and-swap under a lock and is replaced atomically; ``<name>.log`` keeps each
change as one JSON line, so a roll-back is one more change.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from workers.harness import CorruptData, Misconfigured
from workers.network.places import checkpoint_path, is_checkpoint_name, sync_folder, write_durably

POINTERS = ("latest", "best")


class Change(NamedTuple):
    """One line of a pointer's history; ``t`` in seconds since 1970, ``before`` None for the first."""

    t: float
    before: str | None
    after: str
    reason: str


def read_pointer(folder: Path, name: str) -> str | None:
    """The checkpoint's name, or None where there is no pointer yet. Raises CorruptData."""
    _known(name)
    try:
        text = (folder / name).read_text("utf-8").strip()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        text = "?"
    if not is_checkpoint_name(text):
        raise CorruptData(f"{folder / name}: holds no checkpoint's name; see {name}.log beside it")
    return text


def swap_pointer(
    folder: Path,
    name: str,
    expected: str | None,
    new: str,
    reason: str = "",
    now: float | None = None,
) -> bool:
    """Points ``name`` at checkpoint ``new`` if it points at ``expected`` (None: nowhere) and says so in the
    history; False, and nothing changed, where somebody was faster. Raises Misconfigured where there is no
    such checkpoint."""
    if not checkpoint_path(folder, new).is_dir():
        raise Misconfigured(f"{folder}: there is no checkpoint {new} to point {name} at")
    with _locked(folder):
        if read_pointer(folder, name) != expected:
            return False
        _replace(folder / name, new)
        _remember(
            folder / f"{name}.log",
            Change(time.time() if now is None else now, expected, new, reason),
        )
    return True


def history(folder: Path, name: str) -> list[Change]:
    """Oldest first. A torn last line is left out: the change it tells of is in the pointer itself."""
    _known(name)
    try:
        lines = (folder / f"{name}.log").read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    return [change for change in map(_change, lines) if change is not None]


def _change(line: bytes) -> Change | None:
    try:
        body = json.loads(line)
        return Change(float(body["t"]), body["before"], str(body["after"]), str(body["reason"]))
    except (ValueError, KeyError, TypeError):
        return None


def _known(name: str) -> None:
    if name not in POINTERS:
        raise Misconfigured(f"{name!r} is no pointer; there are {', '.join(POINTERS)}")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with open(folder / ".pointers.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(pointer: Path, text: str) -> None:
    temporary = pointer.with_name(f".{pointer.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    write_durably(temporary, f"{text}\n".encode())
    os.replace(temporary, pointer)
    sync_folder(pointer.parent)


def _remember(path: Path, change: Change) -> None:
    """A line begins on its own, even after one that a crash tore."""
    body = json.dumps(change._asdict()).encode()
    with open(path, "ab+") as log:
        torn = log.tell() > 0 and not _ends_line(log.fileno(), log.tell())
        log.write((b"\n" if torn else b"") + body + b"\n")
        log.flush()
        os.fsync(log.fileno())


def _ends_line(descriptor: int, size_bytes: int) -> bool:
    return os.pread(descriptor, 1, size_bytes - 1) == b"\n"
