"""The logs of one run, attempt after attempt, out and err merged by the time they were written."""

import os
from typing import Dict, List, Optional, Union

from workers.protocol import ERR, OUT, STREAM_NAMES, LogChunk, OpenTail, TailNote
from workers.supervisor.log_index import LogIndex
from workers.supervisor.log_reader import Found, Loss, Piece, StreamReader
from workers.supervisor.run import Run

_WANTED = {"out": (OUT,), "err": (ERR,), "both": (OUT, ERR)}
_LINE_BYTES = 65_536
Item = Union[LogChunk, TailNote]


class RunSource:
    """``positions``, ``attempt`` and ``back_bytes`` of ``want`` say where it begins."""

    def __init__(self, run: Run, want: OpenTail) -> None:
        self._run = run
        self._only = want.attempt
        self._which = _WANTED.get(want.streams, _WANTED["both"])
        self._notes: List[TailNote] = []
        self._attempt = 0
        self._streams: List[_Stream] = []
        self._waits = False
        self.over = False
        """True once nothing will follow and all was read."""
        self._begin(want)

    def read(self, limit: int) -> Optional[Item]:
        """What comes next; None where there is nothing now. Raises OSError where the disk fails."""
        if self._notes:
            return self._notes.pop(0)
        if not self._attempt:
            return self._await_first()
        item = self._next(limit)
        if item is None and self._ended():
            item = self._next(limit)  # what was written before the end is still read
            if item is None and not self._go_on():
                self.over = True
        if item is not None:
            return item
        return self._notes.pop(0) if self._notes else None

    def _next(self, limit: int) -> Optional[Item]:
        """The older of what the streams have ready."""
        found = [(stream, stream.peek(limit)) for stream in self._streams]
        ready = [entry for entry in found if entry[1] is not None]
        return min(ready, key=_time)[0].take() if ready else None

    @property
    def behind_bytes(self) -> int:
        """What is there of this attempt and was not read."""
        return sum(stream.behind_bytes for stream in self._streams)

    def close(self) -> None:
        for stream in self._streams:
            stream.close()

    # ------------------------------------------------------------ attempts

    def _begin(self, want: OpenTail) -> None:
        first = self._first_attempt(want)
        if not first:
            return
        at = {place.which: place.offset for place in want.positions if place.attempt == first}
        self._open(first, at)
        for stream in self._streams:
            if want.back_bytes >= 0 and stream.which not in at:
                stream.step_back(want.back_bytes)
        self._note_starts()

    def _first_attempt(self, want: OpenTail) -> int:
        if want.positions:
            return max(position.attempt for position in want.positions)
        attempts = self._run.paths.attempts() or [0]
        return self._only or (attempts[0] if want.back_bytes < 0 else attempts[-1])

    def _open(self, attempt: int, offsets: Dict[int, int]) -> None:
        self.close()
        self._attempt = attempt
        paths = self._run.paths.attempt(attempt)
        index = LogIndex(paths.index)
        self._streams = [
            _Stream(attempt, which, StreamReader(paths, STREAM_NAMES[which], index))
            for which in self._which
        ]
        for stream in self._streams:
            stream.offset = offsets.get(stream.which, 0)

    def _note_starts(self) -> None:
        for stream in self._streams:
            self._notes.append(TailNote("start", "", self._attempt, stream.which, stream.offset))

    def _await_first(self) -> Optional[TailNote]:
        attempts = self._run.paths.attempts()
        if attempts:
            self._open(attempts[0], {})
            self._note_starts()
            return self._notes.pop(0)
        if self._no_more_to_come():
            self.over = True
        elif not self._waits:
            self._waits = True
            return TailNote("waiting", "the worker has not started yet")
        return None

    def _ended(self) -> bool:
        if any(number > self._attempt for number in self._run.paths.attempts()):
            return True
        return self._no_more_to_come()

    def _no_more_to_come(self) -> bool:
        """Raises FileNotFoundError where the run directory is gone: that is no end of the run."""
        os.stat(self._run.paths.folder)
        return self._run.condition().finished

    def _go_on(self) -> bool:
        """The next attempt, where there is one."""
        later = [number for number in self._run.paths.attempts() if number > self._attempt]
        if not later or self._only:
            return False
        self._open(later[0], {})
        text = f"attempt {later[0]} begins"
        self._notes.append(TailNote("attempt", text, later[0], self._which[0], 0))
        self._note_starts()
        return True


class _Stream:
    """One stream of one attempt: where the reader is, and what it has in hand."""

    def __init__(self, attempt: int, which: int, reader: StreamReader) -> None:
        self.which = which
        self.offset = 0
        self._attempt = attempt
        self._reader = reader
        self._held: Found = None

    def step_back(self, back_bytes: int) -> None:
        """To the first line that begins in the last ``back_bytes``."""
        spans = self._reader.spans()
        # Where nothing is there it begins with whatever comes, also between these two lines.
        self.offset = spans[-1][1] if spans else self._reader.start
        for start, end in reversed(spans):
            self.offset = max(start, end - back_bytes)
            back_bytes -= end - self.offset
            if back_bytes <= 0:
                break
        before = self._reader.read(self.offset - 1, _LINE_BYTES) if self.offset else None
        if isinstance(before, Piece) and b"\n" in before.data:
            self.offset = before.offset + before.data.index(b"\n") + 1

    def peek(self, limit: int) -> Found:
        if self._held is None:
            self._held = self._reader.read(self.offset, limit)
        return self._held

    def take(self) -> Item:
        found, self._held = self._held, None
        assert found is not None
        self.offset = found.end
        if isinstance(found, Loss):
            return TailNote(
                found.kind, found.text, self._attempt, self.which, found.end, found.bytes
            )
        return LogChunk(self._attempt, self.which, found.offset, found.clock, found.data)

    @property
    def behind_bytes(self) -> int:
        held = len(self._held.data) if isinstance(self._held, Piece) else 0
        return max(
            held,
            sum(
                end - max(start, self.offset)
                for start, end in self._reader.spans()
                if end > self.offset
            ),
        )

    def close(self) -> None:
        self._reader.close()


def _time(entry: "tuple[_Stream, Found]") -> float:
    found = entry[1]
    return found.clock if isinstance(found, Piece) else 0.0
