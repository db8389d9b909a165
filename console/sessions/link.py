"""One live connection to one agent, from its hello to its end.

Three tasks share it: one reads, one writes, one keeps the beat. The first that ends ends the link.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from console.channels.channel import Channel
from console.errors import LinkError, RequestLost
from console.fleet.model import DOWN_AFTER_S, Problem, ProblemKind
from console.sessions.clock import Clock, Instant
from console.sessions.limits import Tokens
from console.sessions.requests import Requests
from console.sessions.tail import LEAST_WINDOW_BYTES, Arrivals
from console.text import sanitise
from workers.protocol import (
    AGENT_MESSAGES,
    DATA,
    MESSAGE,
    CloseTail,
    Failure,
    Frame,
    FrameDecoder,
    Heartbeat,
    OpenTail,
    ProtocolError,
    UnknownMessage,
    decode_message,
    encode_message,
)

HEARTBEAT_S = 1.0
PROBE_S = 3.0
SLICE_BYTES = 64 * 1024
LARGE_BYTES = 128 * 1024  # decoded in a thread: the screen must not wait for it
WORK_SHARE = 0.25  # of one core, in the long run
WORK_BURST_S = 1.0
REMEMBERED_HEARTBEATS = 30

Arrived = Callable[[Any], None]


class Violation(LinkError):
    """The far end does not speak the protocol."""

    def __init__(self, text: str) -> None:
        super().__init__(
            Problem(ProblemKind.LOST, f"the agent sent what is not the protocol: {text}")
        )


class Link:
    """Reads messages into `arrived`, matches replies, beats. `rest` was read before."""

    def __init__(self, channel: Channel, rest: bytes, clock: Clock, arrived: Arrived) -> None:
        self._channel = channel
        self._rest = rest
        self._clock = clock
        self._arrived = arrived
        self._decoder = FrameDecoder()
        self._requests = Requests()
        self._outgoing: deque[bytes] = deque()
        self._more = asyncio.Event()
        self._heartbeat_waits = False
        self._work = Tokens(WORK_BURST_S, WORK_SHARE)
        self._sequence = 0
        self._sent_at: dict[int, float] = {}
        self._heard: int | None = None
        self._heard_at = clock.monotonic()
        self._probe_until: float | None = None

    async def serve(self) -> None:
        """Runs until the link ends. Always raises: LinkError (a `Violation` too) says why."""
        tasks = [
            asyncio.create_task(work, name=f"link {name}")
            for name, work in (
                ("read", self._read()),
                ("write", self._write()),
                ("beat", self._beat()),
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._requests.lose("the link was lost before the reply")

    def send(self, message: Any) -> None:
        """Queues a message that has no reply."""
        self._queue(encode_message(message))

    async def request(self, message: Any, timeout_s: float) -> Any:
        """The reply to `message`. Raises RequestFailed, RequestLost."""
        stream, reply = self._requests.open(message)
        self._queue(encode_message(message, stream))
        try:
            return await asyncio.wait_for(reply, timeout_s)
        except asyncio.TimeoutError:
            raise RequestLost(
                f"no reply within {timeout_s:g} s; whether it happened is unknown"
            ) from None
        finally:
            self._requests.close(stream)

    def open_tail(self, want: OpenTail) -> Arrivals:
        """What comes of a log. It fails with the link; close it when nobody reads it any more."""
        window = max(LEAST_WINDOW_BYTES, want.window_bytes)
        stream, arrivals = self._requests.open_tail(
            lambda number: Arrivals(window, lambda message: self._tell_tail(number, message))
        )
        self._queue(encode_message(want._replace(window_bytes=window), stream))
        return arrivals

    def _tell_tail(self, stream: int, message: Any) -> None:
        if isinstance(message, CloseTail):
            self._requests.close(stream)
        self._queue(encode_message(message, stream))

    def probe(self) -> None:
        """Asks for a sign of life now: without one within `PROBE_S` the link is given up."""
        self._probe_until = self._clock.monotonic() + PROBE_S
        self._queue_heartbeat()

    def round_trip_s(self, heartbeat: Heartbeat) -> float | None:
        """Of our own heartbeat that this one answers; None where it answers none."""
        sent_at = self._sent_at.get(heartbeat.echo) if heartbeat.echo is not None else None
        if sent_at is None:
            return None
        elapsed_s = self._clock.monotonic() - sent_at - heartbeat.echo_age_s
        return max(0.0, elapsed_s)

    # ------------------------------------------------------------ reading

    async def _read(self) -> None:
        data = self._rest
        while True:
            for start in range(0, len(data), SLICE_BYTES):
                await self._take(data[start : start + SLICE_BYTES])
            data = await self._channel.read()
            if not data:
                raise LinkError(
                    Problem(ProblemKind.LOST, "the agent ended, or its connection was cut")
                )

    async def _take(self, data: bytes) -> None:
        """Frames out of bytes. A node that makes us work too much is read more slowly."""
        started = time.perf_counter()
        try:
            frames = self._decoder.feed(data)
            for frame in frames:
                await self._frame(frame)
        except ProtocolError as error:
            raise Violation(sanitise(str(error))) from None
        spent_s = time.perf_counter() - started
        pause_s = self._work.take(self._clock.monotonic(), spent_s)
        if pause_s > 0:
            await asyncio.sleep(pause_s)

    async def _frame(self, frame: Frame) -> None:
        if frame.kind == DATA:
            self._requests.data(frame.stream, frame.payload)
        if frame.kind != MESSAGE:
            return
        try:
            if len(frame.payload) > LARGE_BYTES:
                message = await asyncio.to_thread(_decode, frame.payload)
            else:
                message = _decode(frame.payload)
        except UnknownMessage:
            return  # of a newer agent
        self._message(frame.stream, message)

    def _message(self, stream: int, message: Any) -> None:
        if isinstance(message, Heartbeat):
            self._heard, self._heard_at = message.sequence, self._clock.monotonic()
            self._probe_until = None
        if stream:
            self._requests.arrived(stream, message)
        elif isinstance(message, Failure):
            raise LinkError(Problem(ProblemKind.AGENT_FAILED, f"the agent failed: {message.text}"))
        else:
            self._arrived(message)

    # ------------------------------------------------------------ writing

    def _queue(self, frame: bytes) -> None:
        self._outgoing.append(frame)
        self._more.set()

    def _queue_heartbeat(self) -> None:
        self._heartbeat_waits = True
        self._more.set()

    async def _write(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._heartbeat_waits or self._outgoing:
                if self._heartbeat_waits:
                    self._heartbeat_waits = False
                    await self._channel.write(self._heartbeat())
                else:
                    await self._channel.write(self._outgoing.popleft())

    def _heartbeat(self) -> bytes:
        now = self._clock.monotonic()
        self._sequence += 1
        self._sent_at[self._sequence] = now
        self._sent_at.pop(self._sequence - REMEMBERED_HEARTBEATS, None)
        age_s = now - self._heard_at if self._heard is not None else 0.0
        boottime = self._clock.boottime()
        return encode_message(
            Heartbeat(self._sequence, self._clock.wall(), boottime, self._heard, age_s)
        )

    # ------------------------------------------------------------ the beat

    async def _beat(self) -> None:
        while True:
            self._queue_heartbeat()
            before = Instant.now(self._clock)
            await asyncio.sleep(HEARTBEAT_S)
            now = Instant.now(self._clock)
            if before.slept_until(now, HEARTBEAT_S):
                self._heard_at = now.monotonic  # what it sent meanwhile is still unread
                self.probe()
            self._judge_silence(now.monotonic)

    def _judge_silence(self, now: float) -> None:
        if self._probe_until is not None and now > self._probe_until:
            text = f"no heartbeat within {PROBE_S:.0f} s after a wake"
            raise LinkError(Problem(ProblemKind.LOST, text))
        silent_s = now - self._heard_at
        if silent_s > DOWN_AFTER_S:
            text = f"no heartbeat for {silent_s:.0f} s: the network or the machine is gone"
            raise LinkError(Problem(ProblemKind.LOST, text))


def _decode(payload: bytes) -> Any:
    return decode_message(payload, AGENT_MESSAGES, sanitise)
