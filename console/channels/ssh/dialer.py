"""Dials one node over SSH: a connection and one channel on it for each dial."""

from __future__ import annotations

import asyncio

import asyncssh

from console.channels.channel import Channel, Progress
from console.channels.ssh.channel import AgentSession, SshChannel
from console.channels.ssh.connection import Connection
from console.channels.ssh.endpoint import Endpoint
from console.channels.ssh.failures import session_failure
from console.channels.ssh.handshake import Visit
from console.channels.ssh.network import SshNetwork
from console.channels.ssh.options import session_options
from console.errors import LinkError
from console.fleet.model import NodeSpec, ProblemKind

_SHORT_TRIES = 3  # after a loss, before the long time-out is used again


class SshDialer:
    """Opens channels to one node. One session on one connection: MaxSessions 1 is enough."""

    speaks_frames = False

    def __init__(self, spec: NodeSpec, network: SshNetwork) -> None:
        self._spec = spec
        self._network = network
        self._reached = False
        self._short_tries = 0
        self._open: set[Connection] = set()

    async def dial(self, command: str, progress: Progress) -> Channel:
        """Connects, logs in and runs `command`. Raises LinkError with a Problem in words."""
        progress("looking up the way")
        route = await self._network.route(self._spec)
        visit = Visit(self._spec, progress, self._connect_timeout_s())
        connection = self._network.open(route.hops, visit)
        self._open = {each for each in self._open if not each.ended} | {connection}
        try:
            channel = await self._start(connection, route.end, command, progress)
        except LinkError as exc:
            if exc.problem.kind is ProblemKind.TIMED_OUT:
                self._short_tries += 1
            await connection.close()
            raise
        except BaseException:
            await connection.close()
            raise
        self._reached, self._short_tries = True, 0
        return channel

    async def close(self) -> None:
        """Ends what is still open."""
        await asyncio.gather(*(connection.close() for connection in self._open))
        self._open.clear()

    async def _start(
        self, connection: Connection, endpoint: Endpoint, command: str, progress: Progress
    ) -> Channel:
        conn = await connection.opened()
        progress("starting")
        try:
            channel, session = await asyncio.wait_for(
                conn.create_session(AgentSession, command, **session_options(endpoint)),
                self._network.settings.login_timeout_s,
            )
        except (asyncssh.Error, OSError, asyncio.TimeoutError) as exc:
            raise LinkError(session_failure(endpoint.words, exc)) from exc
        assert isinstance(session, AgentSession)
        return SshChannel(connection, channel, session, endpoint.words)

    def _connect_timeout_s(self) -> float:
        """Short after a loss, so that a node that is back is soon seen; long every few tries."""
        settings = self._network.settings
        short = self._reached and self._short_tries % (_SHORT_TRIES + 1) < _SHORT_TRIES
        return settings.reconnect_timeout_s if short else settings.connect_timeout_s
