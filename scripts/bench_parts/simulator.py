"""A simulated fleet in a process of its own: scripted agents behind one unix socket.

`python -m scripts.bench_parts.simulator SOCKET` serves until its standard input ends. A connection says
its node's number first (u32), then the agent speaks the real protocol. What a sample costs to make up is
paid here, so that the console's CPU is the console's alone: readings are made once and only numbered anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import sys

from console.channels.channel import Progress
from console.demo import facts
from console.demo.machines import Trouble, machine
from console.demo.time import DemoTime
from console.errors import LinkError
from console.fleet.model import NodeSpec, Problem, ProblemKind, Transport
from workers.protocol import MESSAGE, Heartbeat, encode_frame, encode_message, plain

NUMBER = struct.Struct(">I")
READINGS = 16  # different samples a node cycles through, so that every second something changes


def specs(nodes: int) -> list[NodeSpec]:
    """`nodes` nodes named sim-0001, …"""
    return [NodeSpec(f"sim-{n:04}", Transport.MEMORY, tags=("sim",)) for n in range(nodes)]


class SocketDialer:
    """Opens channels to the simulator's agents."""

    speaks_frames = True

    def __init__(self, path: str, number: int) -> None:
        self._path = path
        self._number = number

    async def dial(self, command: str, progress: Progress) -> SocketChannel:
        try:
            reader, writer = await asyncio.open_unix_connection(self._path)
        except OSError as error:
            raise LinkError(Problem(ProblemKind.REFUSED, f"no simulator: {error}")) from error
        writer.write(NUMBER.pack(self._number))
        return SocketChannel(reader, writer)

    async def close(self) -> None:
        pass


class SocketChannel:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        return await self._reader.read(1 << 16)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> str:
        self._writer.close()
        return ""


KINDS = 24  # different machines; a node is one of them under its own name


class Readings:
    """What the machines of one kind say, made once: hello, samples as JSON, data counts."""

    def __init__(self, kind: int, epoch: float) -> None:
        index = kind
        while machine(index).trouble is not Trouble.NONE:  # so that every node sends samples
            index += 1000
        self.hello = facts.hello(index, 0.0, epoch)
        self.datasets = facts.datasets(index, 0.0, epoch)
        samples = (facts.sample(index, float(t), epoch, sequence=0) for t in range(READINGS))
        self.samples = [
            json.dumps({"type": "sample", **plain(sample)}, separators=(",", ":")).encode()
            for sample in samples
        ]


class Agent:
    """One node: a heartbeat and a sample each second."""

    def __init__(self, number: int, time: DemoTime, readings: Readings) -> None:
        self._time = time
        self._bodies = readings.samples
        self._datasets = readings.datasets
        self._hello = readings.hello._replace(
            hostname=f"sim-{number:04}", node_key=f"simulated-{number}"
        )

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(encode_message(self._hello))
        writer.write(encode_message(self._datasets))
        draining = asyncio.create_task(_drain(reader))
        sequence = 0
        while not draining.done():
            clock = self._time.epoch + self._time.t
            writer.write(encode_message(Heartbeat(sequence, clock, self._time.t + 1000)))
            writer.write(encode_frame(MESSAGE, 0, self._bodies[sequence % READINGS]))
            sequence += 1
            await asyncio.sleep(1.0)
        writer.close()


async def _drain(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        while await reader.read(1 << 16):
            pass


async def serve(path: str) -> None:
    time = DemoTime()
    kinds = [Readings(kind, time.epoch) for kind in range(KINDS)]

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (number,) = NUMBER.unpack(await reader.readexactly(NUMBER.size))
        # The console leaving, or the end of the run, is how a conversation ends.
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await Agent(number, time, kinds[number % KINDS]).run(reader, writer)

    server = await asyncio.start_unix_server(connected, path, backlog=2048)
    print("ready", flush=True)
    async with server:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
