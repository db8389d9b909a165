"""The rotation of one stream: when a segment is due, and its way to the disk a slice at a time."""

import errno
import time
from typing import Optional

from workers.supervisor import events
from workers.supervisor.hole import refusal
from workers.supervisor.live_log import LiveLog
from workers.supervisor.log_room import Limits, Report, Room
from workers.supervisor.segment_writer import SegmentWriter, Torn
from workers.supervisor.storage import sync_folder

TROUBLED_S = 30.0  # after the disk refused
RESCUE_BYTES = 64 * 1024  # of a deleted log are sealed at once
_FULL = (errno.ENOSPC, errno.EDQUOT)


class StreamRotation:
    """Works on one live file. ``report(kind, **fields)`` appends an event."""

    def __init__(
        self, folder: str, stream: str, live: LiveLog, limits: Limits, room: Room, report: Report
    ) -> None:
        self._folder = folder
        self._stream = stream
        self._live = live
        self._limits = limits
        self._room = room
        self._report = report
        self._writer: Optional[SegmentWriter] = None
        self._unpunched = live.sealed > 0
        self._retry_at = 0.0
        self._refusal: Optional[str] = None
        self._alert_above = limits.kept

    @property
    def size(self) -> int:
        """As of its live file."""
        return self._live.size

    def look(self) -> bool:
        """True where the log grew. Raises OSError."""
        return self._live.look(self._report)

    def work(self) -> bool:
        """One slice of what is to do; True where more waits. Raises OSError."""
        if self._live.file < 0 or time.monotonic() < self._retry_at:
            return False
        try:
            self._punch()
            return self._go_on() if self._writer is not None or self._begin() else False
        except OSError as error:
            self._give_up()
            if error.errno in _FULL and self._room.make():
                return True
            self._retry_at = time.monotonic() + TROUBLED_S
            raise

    def close(self) -> None:
        """Seals what only our descriptor still reaches. Raises OSError."""
        live = self._live
        try:
            self.look()
            if live.nameless and live.file >= 0:
                self._give_up()
                while live.unsealed_bytes > 0:
                    self._writer = self._writer or self._next(live.unsealed_bytes)
                    self._go_on()
        finally:
            self._give_up()
            live.close()

    def _begin(self) -> bool:
        live = self._live
        due = RESCUE_BYTES if live.nameless else max(self._limits.live, self._limits.segment)
        if live.unsealed_bytes < due or not (live.nameless or self._may_punch()):
            return False
        self._room.keep()
        self._writer = self._next(min(self._limits.segment, live.unsealed_bytes))
        return True

    def _next(self, size: int) -> SegmentWriter:
        live = self._live
        return SegmentWriter(self._folder, self._stream, live.start, live.start + size, live.base)

    def _go_on(self) -> bool:
        writer, live = self._writer, self._live
        assert writer is not None
        try:
            if not writer.copy(live.file):
                return True
            self.look()
            if live.base > writer.start:
                raise Torn  # some of what was copied may be of after the cut
        except Torn:
            self._give_up()
            self.look()
            return False
        writer.publish()
        self._writer = None
        live.sealed = writer.end
        self._unpunched = True
        self._punch()
        return live.unsealed_bytes >= self._limits.live

    def _punch(self) -> None:
        if self._unpunched and not self._live.nameless:
            # Of one who was killed, the segment's name may not have reached the disk.
            sync_folder(self._folder)
            self._live.punch()
        self._unpunched = False

    def _may_punch(self) -> bool:
        """Asked once. Where it may not, the size is told, again each time it has doubled."""
        if self._refusal is None:
            self._refusal = refusal(self._live.file) or ""
            if self._refusal:
                text = f"no hole punching here ({self._refusal}): logs are not rotated"
                self._report(events.WARNING, text=text)
        size = self._live.unsealed_bytes
        if self._refusal and size > self._alert_above:
            self._alert_above = 2 * size
            text = f"{self._stream}.log has {size >> 20} MiB and cannot be rotated here"
            self._report(events.WARNING, text=text)
        return not self._refusal

    def _give_up(self) -> None:
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None
