"""The room that the sealed logs of an attempt may take. What is dropped is told with its byte count."""

import os
from typing import Callable, List, NamedTuple, Tuple

from workers.supervisor import events
from workers.supervisor.paths import STREAMS
from workers.supervisor.segments import Segment, list_segments

Report = Callable[..., None]
_WHY = "the oldest part was dropped to keep room on the disk"


class Limits(NamedTuple):
    """Of one attempt, both streams together where not said otherwise. Bytes."""

    segment: int = 16 * 1024 * 1024  # before it is compressed
    live: int = 32 * 1024 * 1024  # of one stream, before a segment is cut off
    kept: int = 2 * 1024 * 1024 * 1024  # in segments; the oldest are dropped beyond
    free: int = 256 * 1024 * 1024  # of the disk; segments are dropped below


class Room:
    """``report(kind, **fields)`` appends an event."""

    def __init__(self, folder: str, limits: Limits, report: Report) -> None:
        self._folder = folder
        self._limits = limits
        self._report = report

    def keep(self) -> None:
        """Drops segments until what is kept and what is free are within the limits. Raises OSError."""
        while self._kept_bytes() > self._limits.kept and self.make():
            pass
        while self._free_bytes() < self._limits.free and self.make():
            pass

    def make(self) -> bool:
        """Drops the oldest segment; False where there is none but the last of each stream, which say how
        far the sealed part goes. Raises OSError."""
        found: List[Tuple[float, str, Segment]] = []
        for stream in STREAMS:
            found += [
                (os.stat(self._path(segment)).st_mtime, stream, segment)
                for segment in list_segments(self._folder, stream)[:-1][:1]
            ]
        if not found:
            return False
        _, stream, segment = min(found)
        told = self._tell(stream, segment)
        os.unlink(self._path(segment))
        if not told:  # the disk is full: now there is room for the word too
            self._tell(stream, segment)
        return True

    def _tell(self, stream: str, segment: Segment) -> bool:
        try:
            self._report(events.GAP, stream=stream, start=segment.start, end=segment.end, why=_WHY)
        except OSError:
            return False
        return True

    def _path(self, segment: Segment) -> str:
        return os.path.join(self._folder, segment.name)

    def _kept_bytes(self) -> int:
        return sum(
            os.stat(self._path(segment)).st_size
            for stream in STREAMS
            for segment in list_segments(self._folder, stream)
        )

    def _free_bytes(self) -> int:
        found = os.statvfs(self._folder)
        return found.f_bavail * found.f_frsize
