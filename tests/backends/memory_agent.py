"""A node without a machine: an agent in memory whose workers are a MemoryBackend's, with a link that can fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from console.backends.memory import MemoryBackend, Program
from console.channels.channel import Channel
from console.channels.memory import MemoryDialer
from console.errors import RequestFailed
from console.fleet.model import NodeSpec, Transport
from console.runtime import Runtime
from console.settings.load import Loaded, load
from tests.fleet.world import hello, sample
from tests.runtimes import home_environment, settings_file, until
from workers.protocol import (
    CONSOLE_MESSAGES,
    DATA,
    AdoptProcess,
    CheckWorker,
    ClearOrphan,
    CloseTail,
    CommandWorker,
    DescribeWorker,
    Failure,
    FindOrphans,
    ForgetWorker,
    FrameDecoder,
    Heartbeat,
    LogChunk,
    OpenTail,
    StartWorker,
    TailCredit,
    WorkerReport,
    decode_message,
    encode_frame,
    encode_message,
)

BEAT_S = 0.5


class MemoryNode:
    """One node. `lose` says of each message whether the link breaks after it was obeyed, before the reply."""

    def __init__(
        self,
        name: str,
        programs: Callable[[Sequence[str]], Program] = lambda _: Program(),
        gpus: int = 0,
        tags: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.spec = NodeSpec(name, Transport.MEMORY, tags=tags)
        self.backend = MemoryBackend(programs, self._report, gpus)
        self.lose: Callable[[Any], bool] = lambda _: False
        self.refuse_links = False
        self.asked: list[Any] = []
        self._channels: list[Channel] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, channel: Channel) -> None:
        if self.refuse_links:
            return
        self._channels.append(channel)
        decoder = FrameDecoder()
        now = hello(f"key-{self.name}", clock=time.time())
        await channel.write(encode_message(now) + encode_message(sample()))
        await channel.write(encode_message(self.backend.report))
        beat = asyncio.create_task(self._beat(channel))
        try:
            while data := await channel.read():
                for frame in decoder.feed(data):
                    message = decode_message(frame.payload, CONSOLE_MESSAGES)
                    if frame.stream and not isinstance(message, (TailCredit, CloseTail)):
                        task = asyncio.create_task(self._answer(channel, frame.stream, message))
                        self._tasks.add(task)
                        task.add_done_callback(self._tasks.discard)
        finally:
            beat.cancel()
            self._channels.remove(channel)

    async def cut(self) -> None:
        """Breaks every link."""
        for channel in list(self._channels):
            await channel.close()

    async def _beat(self, channel: Channel) -> None:
        sequence = 0
        while True:
            sequence += 1
            await channel.write(encode_message(Heartbeat(sequence, time.time(), time.monotonic())))
            await asyncio.sleep(BEAT_S)

    async def _answer(self, channel: Channel, stream: int, message: Any) -> None:
        self.asked.append(message)
        try:
            reply = await self._obey(channel, stream, message)
        except RequestFailed as error:
            reply = Failure(error.code, str(error))
        if self.lose(message):
            await channel.close()
        else:
            await channel.write(encode_message(reply, stream))

    async def _obey(self, channel: Channel, stream: int, message: Any) -> Any:
        backend = self.backend
        if isinstance(message, OpenTail):
            return await self._tail(channel, stream, message)
        calls: dict[type, Callable[[], Any]] = {
            StartWorker: lambda: backend.start(message.spec),
            CheckWorker: lambda: backend.check(message.spec),
            CommandWorker: lambda: backend.command(message),
            ForgetWorker: lambda: backend.forget(message.run_id),
            DescribeWorker: lambda: backend.describe(message.run_id, message.points),
            FindOrphans: lambda: backend.orphans(),
            AdoptProcess: lambda: backend.adopt(message),
            ClearOrphan: lambda: backend.clear(message.orphan_id, message.act),
        }
        if type(message) not in calls:
            raise RequestFailed("unknown_message", type(message).__name__)
        return await calls[type(message)]()

    async def _tail(self, channel: Channel, stream: int, ask: OpenTail) -> Any:
        async for piece in self.backend.tail(ask):
            if isinstance(piece, LogChunk):
                await channel.write(encode_frame(DATA, stream, piece.encode()))
            else:
                return piece
        raise AssertionError("a tail without an end")

    def _report(self, report: WorkerReport) -> None:
        for channel in self._channels:
            task = asyncio.ensure_future(channel.write(encode_message(report)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


def load_settings(home: Any, text: str) -> Loaded:
    """Settings of a home of the test's own."""
    settings_file(home, text)
    return load(environ=home_environment(home))


def runtime_on(loaded: Loaded, *nodes: MemoryNode, **options: Any) -> Runtime:
    """A console on these nodes."""
    places = {node.name: node for node in nodes}
    return Runtime(
        loaded,
        tuple(node.spec for node in nodes),
        dialers=lambda spec: MemoryDialer(places[spec.name].serve),
        **options,
    )


async def told(runtime: Runtime, *names: str) -> None:
    """Waits until these nodes told what runs there."""
    for name in names:
        await until(lambda name=name: runtime.store.nodes[name].workers_at is not None)  # type: ignore[misc]
