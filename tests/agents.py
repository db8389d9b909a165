"""Real agents for tests: one as a child process, one behind a memory channel; and what a session said."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from console.channels.channel import Channel
from console.fleet.events import Event
from workers.protocol import AGENT_MESSAGES, FrameDecoder, decode_message, encode_message

ROOT = Path(__file__).parents[1]
PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); from workers.agent.boot import Boot; "
    "from workers.agent.main import main; main(Boot(0, 1, '', sys.argv[2] or None, ()))"
)

Message = TypeVar("Message")


def agent_argv(state: Path | None = None, python: str = sys.executable) -> list[str]:
    """How an agent is started from the sources, without a bundle."""
    return [python, "-I", "-S", "-u", "-c", PROGRAM, str(ROOT), str(state or "")]


class AgentProcess:
    """An agent as a child, spoken to in frames. Ended by the end of `with`.

    `before` is a command line that runs the agent's, `environment` its environment.
    """

    def __init__(
        self,
        state: Path | None = None,
        python: str = sys.executable,
        before: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.process = subprocess.Popen(
            [*before, *agent_argv(state, python)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self._decoder = FrameDecoder()
        self.inbox: list[tuple[int, Any]] = []

    @property
    def pid(self) -> int:
        return self.process.pid

    def send(self, message: Any, stream: int = 0) -> None:
        self.send_bytes(encode_message(message, stream))

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def receive(self, kind: type[Message], stream: int = 0, timeout_s: float = 20.0) -> Message:
        """The next message of this type under this stream; what came before it is dropped."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            while self.inbox:
                number, message = self.inbox.pop(0)
                if isinstance(message, kind) and number == stream:
                    return message
            self._read(deadline - time.monotonic())
        raise AssertionError(f"no {kind.__name__} within {timeout_s} s")

    def receive_for(self, seconds: float) -> list[Any]:
        """All that comes in this time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._read(deadline - time.monotonic())
        found = [message for _, message in self.inbox]
        self.inbox.clear()
        return found

    def _read(self, timeout_s: float) -> None:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, timeout_s))
        if not ready:
            return
        data = os.read(self.process.stdout.fileno(), 65_536)
        if not data:
            raise AssertionError(f"the agent ended: {self.process.wait(10)}")
        for frame in self._decoder.feed(data):
            self.inbox.append((frame.stream, decode_message(frame.payload, AGENT_MESSAGES)))

    def __enter__(self) -> AgentProcess:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


async def serve_real_agent(channel: Channel) -> None:
    """The far end of a memory channel: a real agent process whose bytes are carried over."""
    ours, theirs = socket.socketpair()
    process = await asyncio.create_subprocess_exec(*agent_argv(), stdin=theirs, stdout=theirs)
    theirs.close()
    reader, writer = await asyncio.open_connection(sock=ours)
    try:
        await asyncio.gather(_upward(reader, channel), _downward(channel, writer))
    finally:
        writer.close()
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _upward(reader: asyncio.StreamReader, channel: Channel) -> None:
    while data := await reader.read(65_536):
        await channel.write(data)
    await channel.close()


async def _downward(channel: Channel, writer: asyncio.StreamWriter) -> None:
    while data := await channel.read():
        writer.write(data)
        await writer.drain()
    writer.close()


class EventLog:
    """Collects what a session emits; `wait` polls with a deadline."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Message]) -> list[Message]:
        return [event for event in self.events if isinstance(event, kind)]

    async def wait(
        self,
        kind: type[Message],
        matching: Callable[[Message], bool] = lambda _: True,
        timeout_s: float = 20.0,
        after: int = 0,
    ) -> Message:
        """The first event of this type that matches, from position `after` on."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for event in self.events[after:]:
                if isinstance(event, kind) and matching(event):
                    return event
            await asyncio.sleep(0.01)
        said = "\n".join(str(event)[:300] for event in self.events[-12:])
        raise AssertionError(f"no {kind.__name__} within {timeout_s} s; the last events:\n{said}")
