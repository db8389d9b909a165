"""What was no record, kept aside: one line of JSON each, with where it was, why, and its bytes."""

import base64
import json
import os
import threading
from pathlib import Path

from workers.jobs.aggregate.sources import Source
from workers.records.disk import COMMON, sync_folder


class Rejected:
    """A file that is made, with its folder, for the first line. Any thread may add; a context manager."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / name
        self.count = 0
        self._file: int | None = None
        self._lock = threading.Lock()

    def add(self, source: Source, position: int, reason: str, line: bytes) -> None:
        """``position`` -1 is the file's end. Raises OSError."""
        body = {
            "node": source.node,
            "node_key": source.node_key,
            "file": source.path,
            "position": None if position < 0 else position,
            "reason": reason,
            **_said(line),
        }
        data = json.dumps(body, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if self._file is None:
                self.path.parent.mkdir(exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | COMMON
                self._file = os.open(self.path, flags, 0o666)
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]
            self.count += 1

    def finish(self) -> None:
        """Makes it durable. Raises OSError."""
        if self._file is not None:
            os.fsync(self._file)
            sync_folder(self.path.parent)

    def __enter__(self) -> "Rejected":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _said(line: bytes) -> dict[str, str]:
    """The bytes: as text where they are text."""
    try:
        return {"text": line.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(line).decode("ascii")}
