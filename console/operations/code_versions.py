"""Which code each node had when it was last looked at, kept on this machine for every console."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from console.settings.places import places

SCHEMA = 1
_MAX_BYTES = 4 << 20


@dataclass(frozen=True)
class CodeVersion:
    """`branch` "" where it is on none; `dirty`: tracked files changed there; `environment`: the Python it runs
    with; `at`: seconds since the epoch."""

    commit: str
    branch: str
    dirty: int
    environment: str
    at: float = 0.0

    @property
    def words(self) -> str:
        """`main 1a2b3c4d5e*`: the star says that there are local changes."""
        return f"{self.branch or 'detached'} {self.commit[:10]}{'*' if self.dirty else ''}"


class CodeVersions:
    """The file at `path`, 0600; node → repository → version."""

    def __init__(self, path: Path | None = None, wall: Callable[[], float] = time.time) -> None:
        self.path = path or places().console_state / "code-versions.json"
        self._wall = wall

    def of(self, node: str) -> dict[str, CodeVersion]:
        """By repository; empty where nothing is known."""
        return self._read().get(node, {})

    def all(self) -> dict[str, dict[str, CodeVersion]]:
        """By node and repository, as they were when `update_code` last looked."""
        return self._read()

    def of_path(self, path: str) -> dict[str, dict[str, Any]]:
        """Of one repository on all nodes, as plain data."""
        return {node: asdict(held[path]) for node, held in self._read().items() if path in held}

    def note(self, node: str, path: str, version: CodeVersion) -> None:
        """Raises OSError."""
        known = self._read()
        body = asdict(version) | {"at": self._wall()}
        known.setdefault(node, {})[path] = CodeVersion(**body)
        self._write(known)

    def _read(self) -> dict[str, dict[str, CodeVersion]]:
        """What cannot be read counts as not known."""
        try:
            with self.path.open("rb") as file:
                body = json.loads(file.read(_MAX_BYTES))
            return {
                str(node): {str(path): CodeVersion(**one) for path, one in held.items()}
                for node, held in body["nodes"].items()
            }
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}

    def _write(self, known: dict[str, dict[str, CodeVersion]]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=".code-versions-")
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                nodes = {n: {p: asdict(v) for p, v in held.items()} for n, held in known.items()}
                json.dump({"schema": SCHEMA, "nodes": nodes}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
