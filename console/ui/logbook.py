"""Where errors of the console go while the screen is open: a file only its owner can read."""

from __future__ import annotations

import logging
import os
import time
import traceback
from pathlib import Path

from console.operations.redaction import redact
from console.text import sanitise

_LIMIT_BYTES = 1 << 20
_AGAIN_AFTER_S = 60.0


class Logbook:
    """`<directory>/console.log`, mode 0600, begun anew at 1 MiB (the one before is kept as `.1`)."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "console.log"
        self._seen: dict[str, float] = {}
        self._handler: logging.Handler | None = None

    def open(self) -> int:
        """A descriptor to append with. Raises OSError where the directory cannot be written."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size > _LIMIT_BYTES:
            os.replace(self.path, self.path.with_suffix(".log.1"))
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def record(self, doing: str, error: BaseException) -> bool:
        """Writes the traceback; False where the same error was written less than a minute ago."""
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{doing} {type(error).__name__} {frames[-1].lineno if frames else ''}"
        now = time.monotonic()
        if now - self._seen.get(place, -_AGAIN_AFTER_S) < _AGAIN_AFTER_S:
            return False
        self._seen[place] = now
        text = "".join(traceback.format_exception(error))
        self.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {doing}\n{text}\n")
        return True

    def write(self, text: str) -> None:
        """Appends, without secrets and without what a terminal would obey; a full or unwritable disk is
        no reason to end the console."""
        try:
            descriptor = self.open()
            try:
                lines = [redact(line) for line in sanitise(text).split("\n")]
                os.write(descriptor, "\n".join(lines).encode())
            finally:
                os.close(descriptor)
        except OSError:
            pass

    def capture_logging(self) -> None:
        """Warnings of libraries go to the file and never to the screen."""
        handler = _FileLines(self)
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        handler.setLevel(logging.WARNING)
        logging.getLogger().addHandler(handler)
        self._handler = handler

    def release_logging(self) -> None:
        if self._handler is not None:
            logging.getLogger().removeHandler(self._handler)
            self._handler = None


class _FileLines(logging.Handler):
    def __init__(self, logbook: Logbook) -> None:
        super().__init__()
        self._logbook = logbook

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._logbook.write(self.format(record) + "\n")
        except Exception:
            self.handleError(record)
