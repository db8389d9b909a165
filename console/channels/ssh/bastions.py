"""Bastions: one connection each, shared by all nodes behind it, kept a while after the last has left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncssh

from console.channels.ssh.connection import Connection
from console.channels.ssh.endpoint import Endpoint
from console.channels.ssh.failures import lost, through, tunnel_failure
from console.errors import LinkError

LINGER_S = 5.0
FAILURE_HOLDS_S = 2.0  # nodes that come just after share the answer instead of trying again each

Hops = tuple[Endpoint, ...]


class _Shared:
    """A connection to the last of some hops and how many use it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.users = 0
        self.linger: asyncio.TimerHandle | None = None
        self.failed_at: float | None = None


class Bastions:
    """The shared connections, by the hops that lead to them."""

    def __init__(self) -> None:
        self._shared: dict[Hops, _Shared] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def share(
        self, hops: Hops, start: Callable[[], Connection]
    ) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """The connection to the last hop; `start` begins one when there is none. Raises LinkError."""
        shared = self._usable(hops)
        if shared is None:
            shared = self._shared[hops] = _Shared(start())
        shared.users += 1
        if shared.linger is not None:
            shared.linger.cancel()
        try:
            yield await self._opened(shared, hops[-1].words)
        finally:
            shared.users -= 1
            if not shared.users:
                self._leave(hops, shared)

    def forget_failures(self) -> None:
        """A person changed something: the next node asks anew."""
        for hops, shared in list(self._shared.items()):
            if shared.connection.ended:
                self._shared.pop(hops, None)

    async def close(self) -> None:
        """Ends all of them."""
        for hops, shared in list(self._shared.items()):
            self._end(hops, shared)
        while self._closing:
            await asyncio.wait(set(self._closing))

    def _usable(self, hops: Hops) -> _Shared | None:
        shared = self._shared.get(hops)
        if shared is None or not shared.connection.ended:
            return shared
        now = asyncio.get_running_loop().time()
        fresh = shared.failed_at is not None and now - shared.failed_at < FAILURE_HOLDS_S
        return shared if fresh else None

    async def _opened(self, shared: _Shared, place: str) -> asyncssh.SSHClientConnection:
        try:
            return await shared.connection.opened()
        except LinkError as exc:
            if shared.failed_at is None:
                shared.failed_at = asyncio.get_running_loop().time()
            raise LinkError(through(place, exc.problem)) from exc
        except asyncio.CancelledError:
            if shared.connection.ended:  # closed under us, not we
                raise LinkError(through(place, lost(place, None))) from None
            raise

    def _leave(self, hops: Hops, shared: _Shared) -> None:
        if shared.connection.ended:
            if shared.failed_at is None and self._shared.get(hops) is shared:
                self._shared.pop(hops, None)
            return
        loop = asyncio.get_running_loop()
        shared.linger = loop.call_later(LINGER_S, self._end, hops, shared)

    def _end(self, hops: Hops, shared: _Shared) -> None:
        if shared.linger is not None:
            shared.linger.cancel()
        if self._shared.get(hops) is shared:
            self._shared.pop(hops, None)
        task = asyncio.create_task(shared.connection.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


class Tunnel:
    """asyncssh's `tunnel`: opens the way through a shared connection and never closes that."""

    def __init__(self, connection: asyncssh.SSHClientConnection, bastion: str) -> None:
        self._connection = connection
        self._bastion = bastion

    async def create_connection(
        self, factory: Callable[[], Any], host: str, port: int
    ) -> tuple[Any, Any]:
        """A channel to host:port beyond the bastion. Raises LinkError."""
        opening = asyncio.ensure_future(self._connection.create_connection(factory, host, port))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The bastion may still answer: what comes then is closed, not left standing there.
            opening.add_done_callback(_discard)
            raise
        except asyncssh.ChannelOpenError as exc:
            raise LinkError(tunnel_failure(self._bastion, f"{host}:{port}", exc)) from exc
        except (asyncssh.Error, OSError) as exc:
            raise LinkError(through(self._bastion, lost(host, exc))) from exc


def _discard(opening: asyncio.Future[tuple[Any, Any]]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].abort()
