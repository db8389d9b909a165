"""A TCP proxy that misbehaves on demand: delay, silence, reset, slicing, slow lines."""

from __future__ import annotations

import asyncio
import random
import socket
import struct

_PIECE = 16 * 1024
_ON_THE_LINE = 16  # pieces under way each way; more waits at the sender


class FaultProxy:
    """Listens on loopback and passes bytes on to `host:port`; the faults can be changed at any time.

    `delay_s` each way, more or less by `jitter_s`, order kept; `mute` swallows everything (half-open); `slice_bytes` cuts into small pieces;
    `rate` bytes a second; `refuse` closes each new connection before a byte.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.delay_s = 0.0
        self.jitter_s = 0.0
        self.mute = False
        self.slice_bytes = 0
        self.rate = 0.0
        self.refuse = False
        self.accepted = 0

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> FaultProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.reset()
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def reset(self) -> None:
        """Ends all connections with RST."""
        for writer in list(self._writers):
            if writer.transport.is_closing():
                continue
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.refuse:
            writer.close()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, far_writer}
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_ON_THE_LINE)
        carrying = asyncio.create_task(self._carry(line, sink))
        try:
            while data := await source.read(_PIECE):
                await line.put((self._due(), data))
            await line.put((self._due(), b""))
            await carrying
        except OSError:
            pass
        finally:
            carrying.cancel()
            if not self.mute:
                sink.close()
                self._writers.discard(sink)

    async def _carry(
        self, line: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await line.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                return
            for piece in self._pieces(data):
                if self.rate:
                    await asyncio.sleep(len(piece) / self.rate)
                if not self.mute:
                    sink.write(piece)
                    await sink.drain()

    def _due(self) -> float:
        delay_s = self.delay_s + random.uniform(-self.jitter_s, self.jitter_s)
        return asyncio.get_running_loop().time() + delay_s

    def _pieces(self, data: bytes) -> list[bytes]:
        size = self.slice_bytes or len(data)
        return [data[start : start + size] for start in range(0, len(data), size)]
