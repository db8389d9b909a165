"""What a worker says of itself: its status.json. Nothing in it is believed before it is checked."""

import json
import os
import stat
from typing import Any, Mapping, NamedTuple, Optional, Tuple

from workers.agent.workers.age import FileAge
from workers.protocol import Progress, ProgressPart

LIMIT_BYTES = 256 * 1024
_PARTS = 500  # of one worker that are told
_TEXT = 500  # characters of one field
_LARGEST = 2.0**63
_HEALTHS = frozenset({"ok", "slow", "stalled", "writer_blocked", "unknown"})
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class StatusFile(NamedTuple):
    """The newest word and the state of the file it came from."""

    progress: Optional[Progress] = None
    age: FileAge = FileAge()
    fault: str = ""  # why the newest file says nothing


def look(
    path: str, before: StatusFile, wall: float, now: float, past_s: Optional[float]
) -> StatusFile:
    """One ``stat`` where nothing changed. A file that is no status keeps the word before it."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except OSError:
        return StatusFile() if before.progress or before.fault else before
    # Replaced, not rewritten: the inode tells two files of one instant apart.
    stamp = found.st_mtime_ns ^ (found.st_ino << 1)
    age = before.age.looked(stamp, found.st_mtime, wall, now, past_s)
    if age is before.age:
        return before
    try:
        return StatusFile(progress_of(_read(path)), age)
    except (OSError, ValueError, RecursionError) as error:
        return StatusFile(before.progress, age, f"status.json: {str(error)[:_TEXT]}")


def progress_of(content: bytes) -> Progress:
    """Raises ValueError. Fields of a wrong type are as if absent, NaN and infinity too."""
    body = json.loads(content.decode("utf-8", "replace"))
    if type(body) is not dict:
        raise ValueError("not an object")
    health = _text(body, "health")
    return Progress(
        phase=_text(body, "phase"),
        done=number(body.get("done")),
        total=number(body.get("total")),
        unit=_text(body, "unit"),
        rate_per_minute=number(body.get("rate_per_minute")),
        message=_text(body, "message"),
        health=health if health in _HEALTHS else "",
        blocked_because=_text(body, "blocked_because") or None,
        parts=_parts(body.get("extra")),
    )


def _parts(extra: Any) -> Tuple[ProgressPart, ...]:
    """`extra.parts`: a list of objects with a name; what is none is left out."""
    listed = extra.get("parts") if type(extra) is dict else None
    if type(listed) is not list:
        return ()
    return tuple(_part(one) for one in listed[:_PARTS] if type(one) is dict and _text(one, "name"))


def _part(body: Mapping[str, Any]) -> ProgressPart:
    return ProgressPart(
        name=_text(body, "name"),
        state=_text(body, "state"),
        done=number(body.get("done")),
        total=number(body.get("total")),
        unit=_text(body, "unit"),
        bytes=number(body.get("bytes")),
        bytes_total=number(body.get("bytes_total")),
        rate_bytes_s=number(body.get("rate_bytes_s")),
        eta_s=number(body.get("eta_s")),
        message=_text(body, "message"),
    )


def number(value: Any) -> Optional[float]:
    """A figure that can be shown and summed, else None."""
    if type(value) not in (int, float) or not -_LARGEST < value < _LARGEST:
        return None
    return float(value)


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value[:_TEXT] if type(value) is str else ""


def _read(path: str) -> bytes:
    file = os.open(path, _READ)
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("not a plain file")
        if status.st_size > LIMIT_BYTES:
            raise ValueError(f"{status.st_size} bytes, at most {LIMIT_BYTES}")
        return os.read(file, LIMIT_BYTES)
    finally:
        os.close(file)
