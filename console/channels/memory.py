"""A channel without a wire: the in-memory twin, for the demo, tests and benchmarks."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable

from console.channels.channel import Channel, Progress
from console.errors import LinkError
from console.fleet.model import Problem, ProblemKind

CAPACITY_BYTES = 1024 * 1024  # in flight in one direction; a writer waits beyond


class _Pipe:
    """Bytes in one direction."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._bytes = 0
        self._changed = asyncio.Condition()
        self._ended = False

    async def put(self, data: bytes) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._ended or self._bytes < CAPACITY_BYTES)
            if self._ended:
                raise LinkError(Problem(ProblemKind.LOST, "the far end closed the channel"))
            self._pieces.append(data)
            self._bytes += len(data)
            self._changed.notify_all()

    async def get(self) -> bytes:
        async with self._changed:
            await self._changed.wait_for(lambda: self._ended or bool(self._pieces))
            if not self._pieces:
                return b""
            data = b"".join(self._pieces)
            self._pieces.clear()
            self._bytes = 0
            self._changed.notify_all()
            return data

    async def end(self) -> None:
        async with self._changed:
            self._ended = True
            self._changed.notify_all()


class MemoryChannel:
    """One end of a pair."""

    def __init__(self, incoming: _Pipe, outgoing: _Pipe) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    async def read(self) -> bytes:
        return await self._incoming.get()

    async def write(self, data: bytes) -> None:
        if data:
            await self._outgoing.put(data)

    async def close(self) -> str:
        await self._outgoing.end()
        await self._incoming.end()
        return ""


def memory_pair() -> tuple[MemoryChannel, MemoryChannel]:
    """Two connected ends. Must be called in a running event loop."""
    up, down = _Pipe(), _Pipe()
    return MemoryChannel(up, down), MemoryChannel(down, up)


class MemoryDialer:
    """Opens channels whose far end is `serve(channel)`, run as a task until the channel closes."""

    speaks_frames = True

    def __init__(self, serve: Callable[[Channel], Awaitable[None]]) -> None:
        self._serve = serve
        self._serving: set[asyncio.Task[None]] = set()

    async def dial(self, command: str, progress: Progress) -> Channel:
        """`command` is not run: the far end is the agent itself."""
        progress("starting in memory")
        near, far = memory_pair()
        task = asyncio.create_task(self._run(far), name="memory agent")
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        return near

    async def close(self) -> None:
        for task in list(self._serving):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self, far: MemoryChannel) -> None:
        try:
            await self._serve(far)
        except LinkError:
            pass  # the near end closed while it wrote
        finally:
            await far.close()
