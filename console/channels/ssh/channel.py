"""A command's standard input and output on an SSH connection, as a Channel. Bytes everywhere."""

from __future__ import annotations

import asyncio
from collections import deque

import asyncssh
from asyncssh.constants import EXTENDED_DATA_STDERR

from console.channels.ssh.connection import Connection
from console.channels.ssh.failures import lost
from console.errors import LinkError

_MOST_BUFFERED = 1024 * 1024  # bytes unread before the server is told to wait
_MOST_STDERR = 64 * 1024
_PIECE = 256 * 1024  # bytes handed to asyncssh at a time
_LAST_WORDS_S = 0.5


class AgentSession(asyncssh.SSHClientSession[bytes]):
    """What arrives on the channel, until it is read."""

    def __init__(self) -> None:
        self.received: deque[bytes] = deque()
        self.buffered = 0
        self.stderr = b""
        self.ended = False  # the far end sends nothing more
        self.closed = asyncio.Event()
        self.failure: Exception | None = None
        self.news = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if datatype == EXTENDED_DATA_STDERR:
            self.stderr = (self.stderr + data)[-_MOST_STDERR:]
            return
        self.received.append(data)
        self.buffered += len(data)
        if self.buffered > _MOST_BUFFERED and self._channel is not None:
            self._channel.pause_reading()
        self.news.set()

    def taken(self, count: int) -> None:
        """`count` bytes were read by us."""
        if self.buffered > _MOST_BUFFERED >= self.buffered - count and self._channel is not None:
            self._channel.resume_reading()
        self.buffered -= count

    def eof_received(self) -> bool:
        self.ended = True
        self.news.set()
        return True  # our direction stays open

    def connection_lost(self, exc: Exception | None) -> None:
        self.failure = exc
        self.ended = True
        self.closed.set()
        self.news.set()
        self.writable.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()


class SshChannel:
    """A Channel on a connection of its own, which it closes with itself."""

    def __init__(
        self,
        connection: Connection,
        channel: asyncssh.SSHClientChannel[bytes],
        session: AgentSession,
        place: str,
    ) -> None:
        self._connection = connection
        self._channel = channel
        self._session = session
        self._place = place

    async def read(self) -> bytes:
        """The next bytes; b"" when the far end closed. Raises LinkError when the connection broke."""
        session = self._session
        while not session.received:
            if session.failure is not None:
                raise LinkError(lost(self._place, session.failure))
            if session.ended:
                return b""
            session.news.clear()
            await session.news.wait()
        data = b"".join(session.received)
        session.received.clear()
        session.taken(len(data))
        return data

    async def write(self, data: bytes) -> None:
        """Sends all of `data`; waits while the far end does not take it. Raises LinkError."""
        for start in range(0, len(data), _PIECE):
            await self._session.writable.wait()
            if self._session.closed.is_set():
                raise LinkError(lost(self._place, self._session.failure))
            try:
                self._channel.write(data[start : start + _PIECE])
            except OSError as exc:
                raise LinkError(lost(self._place, exc)) from exc
        await self._session.writable.wait()

    async def close(self) -> str:
        """Ends channel and connection; gives what the far end wrote to standard error."""
        if not self._session.closed.is_set():
            try:
                self._channel.write_eof()
                await asyncio.wait_for(self._session.closed.wait(), _LAST_WORDS_S)
            except (OSError, asyncio.TimeoutError):
                pass
        await self._connection.close()
        return self._session.stderr.decode("utf-8", "replace")
