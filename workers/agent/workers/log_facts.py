"""What the report says of a run's logs: how much, how old, the last line, and progress by the preset's pattern.

A look at logs that did not grow is one ``stat`` a stream.
"""

import os
import re
import stat
import time
from typing import Dict, List, NamedTuple, Optional, Pattern

from workers.agent.workers.age import FileAge
from workers.agent.workers.progress import number
from workers.protocol import Progress
from workers.supervisor.paths import STREAMS, AttemptPaths

TAIL_BYTES = 8 * 1024
NEW_BYTES = 128 * 1024  # matched at one look; of more only the newest
LINE_BYTES = 2048
_LINE_CHARACTERS = 500
_SLOW_S = 0.25  # a pattern that takes longer holds the agent up
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class _Stream(NamedTuple):
    size: int = 0
    mtime_ns: int = 0


class LogFacts:
    """The logs of one attempt."""

    def __init__(self, paths: AttemptPaths, pattern: str, unit: str) -> None:
        self.paths = paths
        self._paths = [paths.log(stream) for stream in STREAMS]
        self._streams: Dict[str, _Stream] = {path: _Stream() for path in self._paths}
        self._unit = unit
        self._pattern: Optional[Pattern[bytes]] = None
        self.warning = ""
        """Why there is no progress by the pattern."""
        self._age = FileAge()
        self._progress: Optional[Progress] = None
        self._progress_at = 0.0
        self.bytes = 0
        """Ever written to both streams."""
        self.last_line = ""
        if pattern:
            self._compile(pattern)

    def look(self, wall: float, now: float, past_s: Optional[float]) -> None:
        """Takes notice of what was written since. Clocks as in ``FileAge``."""
        newest, total = 0, 0
        for path in self._paths:
            before = self._streams[path]
            try:
                found = os.stat(path, follow_symlinks=False)
            except OSError:
                continue
            total += found.st_size
            newest = max(newest, found.st_mtime_ns)
            if found.st_size != before.size or found.st_mtime_ns != before.mtime_ns:
                self._streams[path] = _Stream(found.st_size, found.st_mtime_ns)
                if found.st_size > 0:
                    self._grown(path, before.size, found.st_size, now)
        self.bytes = total
        if newest:
            # Also punching holes into a log changes its time: the size tells.
            self._age = self._age.looked(total, newest / 1e9, wall, now, past_s)

    def age_s(self, now: float) -> Optional[float]:
        """Since they last grew; None where there is no log."""
        return None if self._age.stamp < 0 else self._age.age_s(now)

    def progress(self, now: float) -> Optional[Progress]:
        """By the pattern; None where there is none or it never matched."""
        found = self._progress
        return None if found is None else found._replace(age_s=max(0.0, now - self._progress_at))

    @property
    def matched(self) -> Optional[Progress]:
        """As ``progress``, without its age."""
        return self._progress

    def _compile(self, pattern: str) -> None:
        try:
            self._pattern = re.compile(pattern.encode("utf-8", "surrogateescape"))
        except re.error as error:
            self.warning = f"the progress pattern is no regular expression: {error}"
            return
        if "done" not in self._pattern.groupindex:
            self.warning = "the progress pattern has no group named done"
            self._pattern = None

    def _grown(self, path: str, before: int, size: int, now: float) -> None:
        start = before if before <= size else 0
        wanted = NEW_BYTES if self._pattern is not None else TAIL_BYTES
        # Whole lines: a little of what was there before belongs to the first.
        data = _read(path, max(0, min(start - LINE_BYTES, size - TAIL_BYTES), size - wanted), size)
        lines = data.replace(b"\r", b"\n").split(b"\n")
        # A hole, where a log was cut under its writer, reads as zero bytes.
        words = (line.strip(b"\0 \t") for line in reversed(lines))
        last = next((line for line in words if line), b"")[: 4 * _LINE_CHARACTERS]
        if last:
            self.last_line = last.decode("utf-8", "replace")[:_LINE_CHARACTERS]
        if self._pattern is not None:
            self._match(lines, now)

    def _match(self, lines: List[bytes], now: float) -> None:
        assert self._pattern is not None
        began = time.monotonic()
        for line in reversed(lines):
            found = self._pattern.search(line[:LINE_BYTES])
            if time.monotonic() - began > _SLOW_S:
                self.warning = (
                    "the progress pattern takes too long and is not used: make it simpler"
                )
                self._pattern = None
                return
            if found is not None:
                groups = found.groupdict()
                done = _figure(groups.get("done"))
                if done is None:
                    continue
                total, rate = _figure(groups.get("total")), _figure(groups.get("rate"))
                self._progress = Progress(
                    done=done, total=total, unit=self._unit, rate_per_minute=rate, source="log"
                )
                self._progress_at = now
                return


def _figure(word: Optional[bytes]) -> Optional[float]:
    try:
        return None if word is None else number(float(word.replace(b",", b"")))
    except ValueError:
        return None


def _read(path: str, start: int, end: int) -> bytes:
    try:
        file = os.open(path, _READ)
    except OSError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return b""
        return os.pread(file, end - start, start)
    except OSError:
        return b""
    finally:
        os.close(file)
