"""The last lines of every log that was followed, kept here: a node that is gone can still be read.

A cache and nothing more: what cannot be kept is not kept, and said once. Writing happens in one thread.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

from console.operations.log_ring import LogRing
from workers.protocol import LogChunk, TailEnded, TailNote

FLUSH_S = 1.0
PENDING_BYTES = 1024 * 1024  # of one log; of a flood only the newest are kept
SHOWN_BYTES = 1024 * 1024
SWEEP_BYTES = 64 * 1024 * 1024  # written between two looks at the whole
CLOSING_S = 1.0

_Result = TypeVar("_Result")


class LastSeen(NamedTuple):
    """The last bytes of a log that are kept here."""

    items: tuple[LogChunk | TailNote | TailEnded, ...]
    clock: float  # our wall clock when the newest of them came


class _Log:
    """What waits to be written of one log."""

    def __init__(self, ring: LogRing) -> None:
        self.ring = ring
        self.pending: deque[LogChunk] = deque()
        self.bytes = 0
        self.ends: dict[tuple[int, int], int] = {}
        self.mended = False

    def add(self, chunk: LogChunk) -> None:
        key, end = (chunk.attempt, chunk.which), chunk.offset + len(chunk.data)
        if end <= self.ends.get(key, -1):
            return  # another view of this log was faster
        self.ends[key] = end
        data = chunk.data[-PENDING_BYTES:]
        self.pending.append(chunk._replace(offset=end - len(data), data=data))
        self.bytes += len(data)
        while self.bytes > PENDING_BYTES and len(self.pending) > 1:
            self.bytes -= len(self.pending.popleft().data)


class LogCache:
    """`folder` holds one ring for each log, in all at most `most_bytes()`, the oldest gone first.

    `complain` is told, once, why nothing can be kept.
    """

    def __init__(
        self, folder: Path, most_bytes: Callable[[], int], complain: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._complain = complain
        self._fault = ""
        self._logs: dict[Path, _Log] = {}
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="log cache")
        self._flushing: asyncio.Task[None] | None = None
        self._unswept = SWEEP_BYTES  # the first flush looks at what earlier lives left

    def keep(self, node: str, log: str, chunk: LogChunk) -> None:
        """Keeps a chunk of a log (a run id, or a path). Returns at once."""
        path = self._place(node, log)
        found = self._logs.get(path)
        if found is None:
            found = self._logs[path] = _Log(LogRing(path))
        found.add(chunk)
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.ensure_future(self._flush_soon())

    async def last_seen(self, node: str, log: str) -> LastSeen | None:
        """The newest of what is kept; None where nothing is."""
        await self._flush()
        ring = LogRing(self._place(node, log))
        try:
            chunks, clock = await self._apart(lambda: ring.read(SHOWN_BYTES))
        except OSError:
            return None
        return LastSeen(chunks, clock) if chunks else None

    async def close(self) -> None:
        """Writes what waits, within a second."""
        if self._flushing is not None:
            self._flushing.cancel()
        try:
            await asyncio.wait_for(self._flush(), CLOSING_S)
        except asyncio.TimeoutError:
            pass
        self._writer.shutdown(wait=False, cancel_futures=True)

    def _place(self, node: str, log: str) -> Path:
        """Names of nodes and of their runs never form a path."""
        return self._folder / _hash(node) / _hash(log)

    async def _flush_soon(self) -> None:
        await asyncio.sleep(FLUSH_S)
        await self._flush()

    async def _flush(self) -> None:
        work: list[tuple[_Log, list[LogChunk]]] = []
        for log in self._logs.values():
            if log.pending:
                work.append((log, list(log.pending)))
                log.pending.clear()
                log.bytes = 0
        if work:
            fault = await self._apart(lambda: self._write(work))
            if fault and fault != self._fault:
                self._complain(f"the last lines of logs are not kept here: {fault}")
            self._fault = fault

    async def _apart(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)

    # ------------------------------------------------------------ in the thread

    def _write(self, work: list[tuple[_Log, list[LogChunk]]]) -> str:
        try:
            for log, chunks in work:
                if not log.mended:
                    log.ring.mend()
                    log.mended = True
                self._unswept += log.ring.append(chunks)
            if self._unswept >= SWEEP_BYTES:
                self._unswept = 0
                sweep(self._folder, self._most_bytes())
        except OSError as error:
            return f"{error.filename or self._folder}: {error.strerror}"
        return ""


def sweep(folder: Path, most_bytes: int) -> None:
    """Removes the logs that grew longest ago until the rest fits."""
    found: list[tuple[float, int, Path]] = []
    for ring in folder.glob("*/*"):
        files = [path.stat() for path in (ring / "old", ring / "new") if path.is_file()]
        if files:
            newest = max(file.st_mtime for file in files)
            found.append((newest, sum(file.st_size for file in files), ring))
    total = sum(size for _, size, _ in found)
    for _, size, ring in sorted(found):
        if total <= most_bytes:
            return
        shutil.rmtree(ring, ignore_errors=True)
        total -= size


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
