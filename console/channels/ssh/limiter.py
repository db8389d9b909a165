"""How many handshakes run at once: over all, and to one address or bastion.

An sshd drops connections when too many are not logged in yet (MaxStartups); a fleet that comes back after
a cut must not run into that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Place:
    """One place among all handshakes; lent to others while its login waits for a person."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._held = False

    async def take(self) -> None:
        """Waits for a free place."""
        await self._places.acquire()
        self._held = True

    def leave(self) -> None:
        """Gives it back, if it is held."""
        if self._held:
            self._held = False
            self._places.release()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Given back inside and taken again afterwards, unless the login ends there."""
        self.leave()
        yield
        await self.take()


class Limiter:
    """Places for handshakes."""

    def __init__(self, total: int, per_address: int) -> None:
        self._total = asyncio.Semaphore(total)
        self._per_address = per_address
        self._addresses: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def address(self, key: str) -> AsyncIterator[None]:
        """A place at one address, taken before the TCP connection: sshd counts from there."""
        places = self._addresses.setdefault(key, asyncio.Semaphore(self._per_address))
        async with places:
            yield

    def place(self) -> Place:
        """A place among all handshakes, to be taken once the server can be reached."""
        return Place(self._total)
