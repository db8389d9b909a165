"""One SSH connection and the task that owns it: whatever happens, it is closed and waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import asyncssh

from console.channels.ssh.failures import handshake_failure
from console.errors import LinkError

CLOSE_TIMEOUT_S = 1.0

Opener = Callable[[AsyncExitStack], Awaitable[asyncssh.SSHClientConnection]]


class Connection:
    """Starts to open at once; lives until `close` or until the link breaks."""

    def __init__(self, opener: Opener, place: str) -> None:
        self._place = place
        self._release = asyncio.Event()
        self._ready: asyncio.Future[asyncssh.SSHClientConnection] = (
            asyncio.get_running_loop().create_future()
        )
        # Nobody may be waiting any more when it fails: that is no error of the program.
        self._ready.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._task = asyncio.create_task(self._own(opener))

    @property
    def ended(self) -> bool:
        """True when it is closed, broken or was never opened."""
        return self._task.done()

    async def opened(self) -> asyncssh.SSHClientConnection:
        """The open connection. Raises LinkError. Cancelling the wait leaves it opening."""
        return await asyncio.shield(self._ready)

    @property
    def failure(self) -> LinkError | None:
        """Why it could not be opened."""
        if not self._ready.done() or self._ready.cancelled():
            return None
        failure = self._ready.exception()
        return failure if isinstance(failure, LinkError) else None

    async def close(self) -> None:
        """Closes it, also while it opens, and waits until nothing of it is left."""
        self._release.set()
        if not self._ready.done():
            self._task.cancel()
        await asyncio.wait({self._task})

    async def _own(self, opener: Opener) -> None:
        try:
            async with AsyncExitStack() as stack:
                connection = await opener(stack)
                try:
                    self._ready.set_result(connection)
                    await self._until_closed(connection)
                finally:
                    await _end(connection)
        except LinkError as exc:
            self._fail(exc)
        except asyncio.CancelledError:
            self._ready.cancel()
        except Exception as exc:  # the outer edge: what it was doing is in the words
            self._fail(LinkError(handshake_failure(self._place, exc)))

    def _fail(self, exc: LinkError) -> None:
        if not self._ready.done():
            self._ready.set_exception(exc)

    async def _until_closed(self, connection: asyncssh.SSHClientConnection) -> None:
        lost = asyncio.create_task(connection.wait_closed())
        released = asyncio.create_task(self._release.wait())
        try:
            await asyncio.wait({lost, released}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
            released.cancel()


async def _end(connection: asyncssh.SSHClientConnection) -> None:
    connection.close()  # says goodbye, so that the server does not log a fault
    try:
        await asyncio.wait_for(connection.wait_closed(), CLOSE_TIMEOUT_S)
    except asyncio.TimeoutError:
        connection.abort()
        await connection.wait_closed()
