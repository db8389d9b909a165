"""The audit log: an append-only record of each command, who gave it, where, and what became of it."""

from __future__ import annotations

import getpass
import json
import os
import socket
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from console.operations.redaction import redact, redact_argv
from console.text import one_line, sanitise

SCHEMA = 1
ASKED = "asked"  # written before the command is sent: the result is unknown until it is known
_TAIL_BYTES = 256 * 1024
_MOST_WORDS = 200
_TEXTS = ("id", "time", "who", "node", "verb", "result")


@dataclass(frozen=True)
class AuditEntry:
    """One command. `result` is "asked" until its end is known."""

    id: str
    time: str  # UTC, ISO 8601
    who: str
    node: str
    verb: str
    argv: tuple[str, ...]
    result: str
    schema: int = SCHEMA


class AuditLog:
    """The file at `path`: one JSON object a line, 0600, only ever appended to."""

    def __init__(
        self, path: Path, wall: Callable[[], float], complain: Callable[[str], None]
    ) -> None:
        self.path = path
        self._wall = wall
        self._complain = complain  # told when the log cannot be written; the command goes on
        self.who = _who()

    def asked(self, node: str, verb: str, argv: Sequence[str]) -> AuditEntry:
        """Writes down a command before it is sent."""
        words = tuple(one_line(word, 1000) for word in redact_argv(argv[:_MOST_WORDS]))
        entry = AuditEntry(uuid.uuid4().hex[:12], self._now(), self.who, node, verb, words, ASKED)
        self._append(entry)
        return entry

    def ended(self, entry: AuditEntry, result: str) -> AuditEntry:
        """Writes down what became of it."""
        entry = replace(entry, time=self._now(), result=one_line(redact(result), 1000))
        self._append(entry)
        return entry

    def tail(self, count: int = 100) -> list[AuditEntry]:
        """The last commands, newest first, each with the last known result. Damaged lines are left out."""
        found: dict[str, AuditEntry] = {}
        for entry in reversed(self._read()):
            if entry.id not in found and len(found) >= count:
                break
            found.setdefault(entry.id, entry)
        return list(found.values())

    def _append(self, entry: AuditEntry) -> None:
        line = json.dumps(asdict(entry), ensure_ascii=True).encode() + b"\n"
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self.path, flags, 0o600)
            try:
                os.fchmod(descriptor, 0o600)  # whatever the umask was
                os.write(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError as error:
            self._complain(
                f"the audit log {self.path} cannot be written ({error.strerror or error}); "
                f"{entry.verb} on {entry.node or 'this console'} is not recorded"
            )

    def _read(self) -> list[AuditEntry]:
        try:
            with open(self.path, "rb") as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(0, size - _TAIL_BYTES))
                lines: deque[bytes] = deque(stream.read().splitlines())
        except OSError:
            return []
        if size > _TAIL_BYTES:
            lines.popleft()
        return [entry for entry in map(_entry, lines) if entry is not None]

    def _now(self) -> str:
        return datetime.fromtimestamp(self._wall(), timezone.utc).isoformat(timespec="milliseconds")


def _entry(line: bytes) -> AuditEntry | None:
    try:
        value: Any = json.loads(line)
        texts = {key: sanitise(str(value[key])) for key in _TEXTS}
        argv = tuple(sanitise(str(word)) for word in value["argv"])
        return AuditEntry(**texts, argv=argv, schema=int(value["schema"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
