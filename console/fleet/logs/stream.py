"""The log of one source: its chunks and notes become lines with times and kinds, each byte once."""

from __future__ import annotations

from collections.abc import Iterable

from console.fleet.logs.assembly import Assembler, RawLine
from console.fleet.logs.faults import FaultFinder
from console.fleet.logs.line import NOTE, Line
from console.fleet.logs.look import Look, after
from console.fleet.logs.times import LineClock
from console.text import one_line
from workers.protocol import OUT, LogChunk, LogMatch, LogPosition, TailNote


class _Stream:
    """One stream of one attempt."""

    def __init__(self) -> None:
        self.assembler = Assembler()
        self.clock = LineClock()
        self.faults = FaultFinder()
        self.look: Look | None = None
        self.seen = 0.0  # the node's clock of the newest chunk


class LogStream:
    """``source`` is its place in the list of sources. ``skew_s``: the node's wall clock minus ours."""

    def __init__(self, source: int) -> None:
        self.source = source
        self.skew_s = 0.0
        self.bytes = 0  # taken in
        self.left_out = 0  # lines of a flood
        self._streams: dict[tuple[int, int], _Stream] = {}
        self._newest = 0.0  # the order of the newest line

    @property
    def positions(self) -> tuple[LogPosition, ...]:
        """Where a reader goes on."""
        return tuple(
            LogPosition(attempt, which, stream.assembler.next_offset or 0)
            for (attempt, which), stream in sorted(self._streams.items())
        )

    def take(self, chunk: LogChunk, now: float, one_in: int = 1) -> list[Line]:
        """The lines that a chunk completes. ``now``: our wall clock."""
        stream = self._streams.get((chunk.attempt, chunk.which))
        if stream is None:
            self._streams = {k: s for k, s in self._streams.items() if k[0] >= chunk.attempt - 1}
            stream = self._streams[(chunk.attempt, chunk.which)] = _Stream()
        stream.seen = max(stream.seen, chunk.clock)
        self.bytes += len(chunk.data)
        before = stream.assembler.lines
        found = stream.assembler.feed(chunk.offset, chunk.data, one_in)
        if one_in > 1:
            stream.look = None  # what switched the colours off may be among the lines left out
        self.left_out += max(0, stream.assembler.lines - before - len(found))
        return [self._line(chunk, stream, raw, now) for raw in found]

    def note(self, note: TailNote, now: float) -> Line:
        """A note as a line, after what came before it."""
        return self.say(note.text, now, note.attempt, note.which, note.offset)

    def say(
        self, text: str, now: float, attempt: int = 0, which: int = OUT, offset: int = 0
    ) -> Line:
        """A line of our own, set below the newest of this source."""
        at = self._newest or now
        data = one_line(text, 400).encode("utf-8", "replace")
        return Line(at, at, True, self.source, attempt, which, offset, data, 0, NOTE)

    def live(self, now: float, progress_only: bool = False) -> list[Line]:
        """The lines under way: progress bars, a prompt. Not in any book yet."""
        lines = []
        for (attempt, which), stream in sorted(self._streams.items()):
            raw = stream.assembler.live
            if raw is not None and (stream.assembler.is_progress or not progress_only):
                chunk = LogChunk(attempt, which, raw.offset, stream.seen, b"")
                at = max(self._newest, (stream.seen or now) - self.skew_s)
                lines.append(Line(at, at, True, self.source, chunk.attempt, which, raw.offset,
                                  raw.data, raw.cut, "", stream.look))  # fmt: skip
        return lines

    def matched(self, matches: Iterable[LogMatch], now: float) -> list[Line]:
        """Lines that a search on the node found, the oldest first."""
        lines = []
        clock = LineClock()
        finder = FaultFinder()
        for match in sorted(matches, key=lambda found: (found.attempt, found.which, found.offset)):
            data = match.line.encode("utf-8", "replace")
            told = clock.tell(data, match.clock, match.clock > 0, now + self.skew_s)
            known = not told.rough or match.clock > 0
            order, time = (
                (told.order - self.skew_s, told.time - self.skew_s) if known else (0.0, 0.0)
            )
            lines.append(Line(order, time, told.rough, self.source, match.attempt, match.which,
                              match.offset, data, 0, finder.kind(data)))  # fmt: skip
        return lines

    def _line(self, chunk: LogChunk, stream: _Stream, raw: RawLine, now: float) -> Line:
        first = raw.offset <= chunk.offset
        told = stream.clock.tell(raw.data, chunk.clock, first, now + self.skew_s)
        order, look = told.order - self.skew_s, stream.look
        self._newest = max(self._newest, order)
        if b"\x1b" in raw.data:
            stream.look = after(raw.data, look)
        return Line(order, told.time - self.skew_s, told.rough, self.source, chunk.attempt, chunk.which,
                    raw.offset, raw.data, raw.cut, stream.faults.kind(raw.data), look)  # fmt: skip
