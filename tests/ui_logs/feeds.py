"""A feed of logs in memory: what a test wrote into it, as the nodes' tails, searches and counts would give it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

from console.errors import QuarterdeckError, RequestFailed
from console.operations.log_cache import LastSeen
from console.ui.logs.feed import TailItem
from workers.protocol import (
    ERR,
    OUT,
    FindErrors,
    LogChunk,
    LogErrorGroup,
    LogErrors,
    LogMatch,
    LogMatches,
    LogPosition,
    OpenTail,
    SearchLog,
    TailEnded,
    TailNote,
)


class MemoryLog:
    """The bytes of one run's first attempt, both streams, and the clocks they were written at."""

    def __init__(self) -> None:
        self.data = {OUT: bytearray(), ERR: bytearray()}
        self.pieces: list[LogChunk | TailNote] = []
        self.over = False
        self.grown = asyncio.Event()

    def write(self, data: bytes, clock: float, which: int = OUT) -> None:
        self.pieces.append(LogChunk(1, which, len(self.data[which]), clock, data))
        self.data[which] += data
        self._wake()

    def note(self, kind: str, text: str) -> None:
        self.pieces.append(TailNote(kind, text, 1))
        self._wake()

    def end(self) -> None:
        self.over = True
        self._wake()

    def _wake(self) -> None:
        self.grown.set()
        self.grown = asyncio.Event()


class MemoryFeed:
    """Runs and files by (node, run id or path). `closed` counts tails that were closed."""

    def __init__(self) -> None:
        self.logs: dict[tuple[str, str], MemoryLog] = {}
        self.kept: dict[tuple[str, str], LastSeen] = {}
        self.failing: dict[str, QuarterdeckError] = {}
        self.asked: list[object] = []
        self.open = 0

    def log(self, node: str, run_id: str) -> MemoryLog:
        return self.logs.setdefault((node, run_id), MemoryLog())

    async def tail(self, node: str, ask: OpenTail) -> AsyncIterator[TailItem]:
        self.asked.append(ask)
        if node in self.failing:
            raise self.failing[node]
        log = self.logs.get((node, ask.run_id or ask.path))
        if log is None:
            yield TailEnded("failed", f"{ask.path or ask.run_id}: no such file")
            return
        self.open += 1
        try:
            async for item in self._items(log, ask):
                yield item
        finally:
            self.open -= 1

    async def _items(self, log: MemoryLog, ask: OpenTail) -> AsyncIterator[TailItem]:
        wanted = {"both": (OUT, ERR), "out": (OUT,), "err": (ERR,)}[ask.streams]
        starts = {position.which: position.offset for position in ask.positions}
        for which in wanted:
            if not ask.positions and ask.back_bytes >= 0:
                starts[which] = max(0, len(log.data[which]) - ask.back_bytes)
        done = 0
        while True:
            grown = log.grown
            while done < len(log.pieces):
                item = log.pieces[done]
                done += 1
                if isinstance(item, TailNote):
                    yield item
                elif item.which in wanted:
                    skip = max(0, starts.get(item.which, 0) - item.offset)
                    if skip < len(item.data):
                        yield item._replace(offset=item.offset + skip, data=item.data[skip:])
            if log.over or not ask.follow:
                yield TailEnded(
                    "over" if log.over else "end", "the run is over" if log.over else ""
                )
                return
            await grown.wait()

    async def search(self, node: str, ask: SearchLog) -> LogMatches:
        self.asked.append(ask)
        log = self.logs[(node, ask.run_id or ask.path)]
        flags = re.IGNORECASE if ask.ignore_case else 0
        pattern = re.compile(ask.pattern.encode(), flags)
        found = []
        for which, data in log.data.items():
            place = 0
            for line in bytes(data).split(b"\n"):
                if pattern.search(line):
                    found.append(LogMatch(1, which, place, line.decode("utf-8", "replace")))
                place += len(line) + 1
        return LogMatches(tuple(found[::-1][: ask.limit]), len(found) <= ask.limit)

    async def errors(self, node: str, ask: FindErrors) -> LogErrors:
        self.asked.append(ask)
        log = self.logs[(node, ask.run_id)]
        place = log.data[OUT].find(b"Traceback")
        if place < 0:
            return LogErrors()
        last = LogPosition(1, OUT, log.data[OUT].rfind(b"Traceback"))
        times = log.data[OUT].count(b"Traceback")
        group = LogErrorGroup("traceback", "ValueError: bad shard (train.py:31)", times, LogPosition(1, OUT, place), last, 0.0, "  raise ValueError")  # fmt: skip
        return LogErrors((group,))

    async def last_seen(self, node: str, run_id: str) -> LastSeen | None:
        return self.kept.get((node, run_id))


__all__ = ["MemoryFeed", "MemoryLog", "RequestFailed"]
