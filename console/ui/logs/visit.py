"""A visit to another place of a log: the lines around a byte, read once, in the order they stand there."""

from __future__ import annotations

from dataclasses import dataclass, field

from console.fleet.logs.book import LogBook
from console.fleet.logs.line import Line
from console.fleet.logs.stream import LogStream
from console.ui.logs.feed import LogFeed, LogSource, reading
from workers.protocol import STREAM_NAMES, LogChunk, LogPosition, OpenTail

AROUND_BYTES = 128 * 1024  # before and behind the place
_MOST_LINES, _MOST_BYTES = 500_000, 256 * 1024 * 1024  # more than a visit reads: no line may leave


@dataclass
class Visit:
    """The lines between two bytes of one stream."""

    source: int
    at: LogPosition
    book: LogBook = field(default_factory=lambda: LogBook(_MOST_LINES, _MOST_BYTES))
    begin: int = 0
    end: int = 0
    complete: bool = False  # `end` is the end of the log

    @property
    def target(self) -> Line | None:
        """The line that the visit was made for: the one that holds its byte."""
        found = None
        for line in self.book.lines:
            if line.offset > self.at.offset:
                break
            found = line
        return found or self.book.last


async def visit(
    feed: LogFeed,
    source: LogSource,
    place: int,
    at: LogPosition,
    now: float,
    before: int = AROUND_BYTES,
    behind: int = AROUND_BYTES,
) -> Visit:
    """Reads around `at`; `place` is that of the source in its list. Raises QuarterdeckError."""
    made = Visit(place, at, begin=max(0, at.offset - before))
    made.end = made.begin
    wanted_end = at.offset + behind
    stream = LogStream(place)
    ask = OpenTail(
        run_id=source.run_id,
        path=source.path,
        streams=STREAM_NAMES[at.which] if at.which < 2 else "both",
        follow=False,
        positions=(LogPosition(at.attempt, at.which, made.begin),),
        attempt=at.attempt,
    )
    lines: list[Line] = []
    made.complete = True
    async with reading(feed.tail(source.node, ask)) as items:
        async for item in items:
            if isinstance(item, LogChunk) and (item.attempt, item.which) == at[:2]:
                data = item.data[: max(0, wanted_end - item.offset)]
                lines += stream.take(item._replace(data=data), now)
                made.end = max(made.end, item.offset + len(data))
                if item.offset + len(item.data) >= wanted_end:
                    made.complete = False
                    break
    if made.complete:
        lines += stream.live(now)
    if made.begin and lines:
        del lines[0]  # its beginning is not there
    made.book.add(line._replace(at=float(line.offset)) for line in lines)
    return made
