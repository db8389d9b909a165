"""Follows the logs of several sources: the tasks that read, and the one book that their lines end up in.

Everything happens in one loop. The tasks only fill the inbox; `frame` turns what lies there into lines, for
a bounded time, and is called a few times a second by whoever shows them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from console.errors import QuarterdeckError
from console.fleet.logs.book import Holdback, LogBook
from console.fleet.logs.find import Finder, Wanted
from console.fleet.logs.flood import Flood
from console.fleet.logs.line import Line
from console.fleet.logs.stream import LogStream
from console.formatting import age, count
from console.ui.logs.feed import LogFeed, LogSource, TailItem, reading
from console.ui.logs.inbox import Inbox
from workers.protocol import LogChunk, LogPosition, OpenTail, TailEnded, TailNote

BACK_BYTES = 256 * 1024  # of each source that are read at the start, shared by many sources
LEAST_BACK_BYTES = 16 * 1024
FRAME_WORK_S = 0.025
SEARCHED_A_FRAME = 3000
OPENING, LIVE, ENDED, FAILED, UNSEEN = "opening", "live", "ended", "failed", "unseen"


@dataclass
class Followed:
    """How one source stands."""

    source: LogSource
    stream: LogStream
    state: str = OPENING
    why: str = ""


class Following:
    """`clock` is our wall clock; `skew` how far a node's is ahead of it, in seconds; `seen` whether the
    node answers now."""

    def __init__(
        self,
        feed: LogFeed,
        sources: Sequence[LogSource],
        clock: Callable[[], float],
        skew: Callable[[str], float],
        seen: Callable[[str], bool],
        streams: str = "both",
    ) -> None:
        self.feed = feed
        self.followed = [Followed(source, LogStream(place)) for place, source in enumerate(sources)]
        self.streams = streams
        self.book = LogBook()
        self.finder: Finder | None = None
        self.flood = Flood()
        self._clock, self._skew, self._seen = clock, skew, seen
        self._inbox = Inbox()
        self._hold = Holdback(0.0 if len(sources) == 1 else 0.3)
        self._tasks: list[asyncio.Task[None]] = []
        self._thinned_from = 0  # lines left out before the flood that is on
        self._live: tuple[Line, ...] = ()

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """Begins to read, in the running loop."""
        self._tasks = [
            asyncio.create_task(self._follow(place), name=f"log {followed.source.tag}")
            for place, followed in enumerate(self.followed)
        ]

    async def close(self) -> None:
        """Ends all reading."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2.0)
        self._tasks = []
        self._inbox.clear()

    # ------------------------------------------------------------ facts

    @property
    def now(self) -> float:
        """Our wall clock."""
        return self._clock()

    @property
    def sources(self) -> list[LogSource]:
        return [followed.source for followed in self.followed]

    @property
    def live(self) -> tuple[Line, ...]:
        """Lines under way, below all others: progress bars and prompts."""
        return self._live

    @property
    def bytes_behind(self) -> int:
        """That have come and are not among the lines yet."""
        return self._inbox.bytes

    @property
    def left_out(self) -> int:
        """Lines of floods that were not shown."""
        return sum(followed.stream.left_out for followed in self.followed)

    # ------------------------------------------------------------ work

    def frame(self, work_s: float = FRAME_WORK_S) -> bool:
        """Works on what has come, about `work_s` at most. True where something is to be painted."""
        before = self.book.changes, self._live
        one_in_before = self.flood.one_in
        one_in = self.flood.decide(self._inbox.lines)
        if one_in != one_in_before:
            self._say_flood(one_in_before, one_in)
        deadline = time.monotonic() + work_s
        while len(self._inbox) and time.monotonic() < deadline:
            place, item = self._inbox.get()
            self._take(place, item, one_in)
        self._show(self._hold.release(time.monotonic()))
        if self.finder is not None:
            self.finder.step(SEARCHED_A_FRAME)
        self._live = self._under_way()
        return (self.book.changes, self._live) != before

    def find(self, wanted: Wanted | None) -> None:
        """From now on these are looked for, in what is there and in what comes."""
        self.finder = None if wanted is None else Finder(wanted, self.book.lines)

    def say(self, place: int, text: str) -> None:
        """A note line of our own, below the newest line of a source."""
        self._show([self.followed[place].stream.say(text, self._clock())])

    def _under_way(self) -> tuple[Line, ...]:
        """A line that is only cut by its chunk is none; one that waits for its end is."""
        now, busy = self._clock(), len(self._inbox) > 0
        return tuple(line for each in self.followed for line in each.stream.live(now, busy))

    def _take(self, place: int, item: TailItem, one_in: int) -> None:
        followed, now = self.followed[place], self._clock()
        if isinstance(item, LogChunk):
            followed.stream.skew_s = self._skew(followed.source.node)
            self._hold.push(followed.stream.take(item, now, one_in), time.monotonic())
        elif isinstance(item, TailNote):
            self._hold.push([followed.stream.note(item, now)], time.monotonic())
        else:
            self._ended(followed, item)

    def _show(self, lines: list[Line]) -> None:
        self.book.add(lines)
        if self.finder is not None:
            self.finder.offer(lines)

    def _ended(self, followed: Followed, item: TailEnded) -> None:
        followed.state = FAILED if item.reason == "failed" else ENDED
        followed.why = item.text
        if item.text:
            said = followed.stream.say(item.text, self._clock())
            self._hold.push([said], time.monotonic())

    def _say_flood(self, before: int, now: int) -> None:
        if before == 1:
            self._thinned_from = self.left_out
            self.say(0, f"more lines than can be read: from here 1 in {now} is shown; all are in the log on the node")  # fmt: skip
        elif now == 1:
            left_out = count(self.left_out - self._thinned_from)
            self.say(0, f"every line again; {left_out} above were left out, they are in the log on the node")  # fmt: skip

    # ------------------------------------------------------------ reading

    async def _follow(self, place: int) -> None:
        followed = self.followed[place]
        try:
            positions = await self._from_the_cache(place)
            await self._tail(place, positions)
        except QuarterdeckError as error:
            followed.state, followed.why = FAILED, str(error)
            self.say(place, str(error))

    async def _from_the_cache(self, place: int) -> tuple[LogPosition, ...]:
        """Of a node that does not answer, what is kept of it here; gives where to go on."""
        followed = self.followed[place]
        source = followed.source
        if self._seen(source.node) or not source.run_id:
            return ()
        kept = await self.feed.last_seen(source.node, source.run_id)
        followed.state = UNSEEN
        if kept is None:
            self.say(place, f"{source.node} does not answer, and nothing of this log is kept here")
            return ()
        ends: dict[tuple[int, int], int] = {}
        for item in kept.items:
            await self._inbox.put(place, item)
            if isinstance(item, LogChunk):
                ends[(item.attempt, item.which)] = item.offset + len(item.data)
        old = age(self._clock() - kept.clock)
        words = f"{source.node} does not answer: this is its log as last seen {old} ago"
        await self._inbox.put(place, TailNote("waiting", words))
        return tuple(LogPosition(attempt, which, end) for (attempt, which), end in ends.items())

    async def _tail(self, place: int, positions: tuple[LogPosition, ...]) -> None:
        followed = self.followed[place]
        source = followed.source
        share = max(LEAST_BACK_BYTES, BACK_BYTES * 4 // max(4, len(self.followed)))
        ask = OpenTail(
            run_id=source.run_id, path=source.path, streams=self.streams, back_bytes=share,
            positions=positions,
        )  # fmt: skip
        async with reading(self.feed.tail(source.node, ask)) as items:
            async for item in items:
                if isinstance(item, TailNote) and item.kind == "waiting":
                    followed.state = UNSEEN
                elif followed.state in (OPENING, UNSEEN):
                    followed.state = LIVE
                await self._inbox.put(place, item)
