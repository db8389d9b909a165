"""The tails of one scripted link: log bytes as they come, within the reader's credit."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from console.demo.workers.company import DemoWorkers
from console.demo.workers.log import DemoLog, Entry, plain
from console.demo.workers.run import LIVE, DemoRun, Moment
from workers.protocol import (
    DATA,
    ERR,
    FILE,
    OUT,
    STREAM_NAMES,
    CloseTail,
    LogChunk,
    LogPosition,
    OpenTail,
    TailCredit,
    TailEnded,
    TailNote,
    encode_frame,
    encode_message,
)

_LOOK_EVERY_S = 0.25
_FILE_LINES = 60

Write = Callable[[bytes], Awaitable[None]]


class Tails:
    """Each runs as a task of its own until its reply, the link's end, or `close`."""

    def __init__(self, workers: DemoWorkers, now: Callable[[], Moment], write: Write) -> None:
        self._workers = workers
        self._now = now
        self._write = write
        self._open: dict[int, _Tail] = {}

    def take(self, stream: int, ask: Any) -> bool:
        """True where the message was about a tail."""
        if isinstance(ask, OpenTail):
            tail = _Tail(stream, ask, self._now, self._write)
            self._open[stream] = tail
            run = self._workers.run(ask.run_id) if ask.run_id else None
            tail.task = asyncio.create_task(tail.serve(run), name=f"demo tail {stream}")
            tail.task.add_done_callback(lambda _: self._open.pop(stream, None))
        elif isinstance(ask, (TailCredit, CloseTail)):
            known = self._open.get(stream)
            if known is not None:
                known.told(ask)
        else:
            return False
        return True

    async def close(self) -> None:
        tasks = [tail.task for tail in self._open.values() if tail.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Tail:
    def __init__(self, stream: int, ask: OpenTail, now: Callable[[], Moment], write: Write) -> None:
        self.task: asyncio.Task[None] | None = None
        self._stream = stream
        self._ask = ask
        self._now = now
        self._write = write
        self._credit = ask.window_bytes
        self._more = asyncio.Event()
        self._closed = False
        self._pattern = re.compile(ask.filter) if ask.filter else None

    def told(self, message: TailCredit | CloseTail) -> None:
        if isinstance(message, TailCredit):
            self._credit += message.bytes
        else:
            self._closed = True
        self._more.set()

    async def serve(self, run: DemoRun | None) -> None:
        if run is None and not self._ask.path:
            await self._end("failed", "there is no such run on this node")
            return
        log = run.log(self._now()) if run else _file(self._now())
        sent = first_entry(log, self._ask)
        if not self._ask.positions:
            await self._say_where(log, sent)
        while not self._closed:
            sent = await self._send(log, sent)
            over = run is None or run.state not in LIVE
            if self._closed or (over and sent == len(log.entries)) or not self._ask.follow:
                break
            try:
                await asyncio.wait_for(self._more.wait(), _LOOK_EVERY_S)
            except asyncio.TimeoutError:
                pass
            self._more.clear()
            if run is not None:
                run.log(self._now())
        await self._end("closed" if self._closed else "over" if self._ask.follow else "end")

    async def _say_where(self, log: DemoLog, first: int) -> None:
        """Where each stream begins for this reader."""
        attempt = log.entries[first].attempt if first < len(log.entries) else log.newest_attempt
        for which in (OUT, ERR):
            own = (e for e in log.entries[first:] if (e.attempt, e.which) == (attempt, which))
            entry = next(own, None)
            offset = entry.offset if entry else log.end(attempt, which)
            await self._message(TailNote("start", "", attempt, which, offset))

    async def _send(self, log: DemoLog, start: int) -> int:
        """What was said from this entry on, in order; gives the next one."""
        for index in range(start, len(log.entries)):
            entry = log.entries[index]
            if index and entry.attempt != log.entries[index - 1].attempt:
                text = f"attempt {entry.attempt} begins"
                await self._message(TailNote("attempt", text, entry.attempt))
            if not self._wanted(entry):
                continue
            chunk = LogChunk(entry.attempt, entry.which, entry.offset, entry.clock, entry.data)
            payload = chunk.encode()
            while self._credit < len(payload) and not self._closed:
                self._more.clear()
                await self._more.wait()
            if self._closed:
                return index
            self._credit -= len(payload)
            await self._write(encode_frame(DATA, self._stream, payload))
        return len(log.entries)

    def _wanted(self, entry: Entry) -> bool:
        ask = self._ask
        if ask.attempt and entry.attempt != ask.attempt:
            return False
        if (
            ask.streams != "both"
            and entry.which != FILE
            and STREAM_NAMES[entry.which] != ask.streams
        ):
            return False
        return self._pattern is None or self._pattern.search(plain(entry.data)) is not None

    async def _end(self, reason: str, text: str = "") -> None:
        await self._message(TailEnded(reason, text))

    async def _message(self, message: Any) -> None:
        await self._write(encode_message(message, self._stream))


def first_entry(log: DemoLog, ask: OpenTail) -> int:
    """Where a tail begins: at its positions, or so many bytes before the end of the newest attempt."""
    if ask.positions:
        at = {(p.attempt, p.which): p for p in ask.positions}
        for index, entry in enumerate(log.entries):
            if not _is_before(entry, at.get((entry.attempt, entry.which)), ask.positions):
                return index
        return len(log.entries)
    if ask.back_bytes < 0:
        return 0
    left, first = ask.back_bytes, len(log.entries)
    newest = ask.attempt or log.newest_attempt
    while first and left > 0 and log.entries[first - 1].attempt == newest:
        first -= 1
        left -= len(log.entries[first].data)
    return first


def _is_before(entry: Entry, own: LogPosition | None, all_: tuple[LogPosition, ...]) -> bool:
    if own is not None:
        return entry.offset < own.offset
    return entry.attempt < max(position.attempt for position in all_)


def _file(now: Moment) -> DemoLog:
    """A file that no worker owns."""
    log = DemoLog()
    for number in range(_FILE_LINES):
        clock = now.clock - 30.0 * (_FILE_LINES - number)
        log.say(0, FILE, clock, f"demo: line {number} of a file that stands still\n")
    return log
