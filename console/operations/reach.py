"""The way to the workers of each node, over a link that may break at any moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from console.backends.backend import Backend
from console.errors import RequestFailed, RequestLost
from console.fleet.events import WorkerTold
from console.fleet.model import Up
from console.fleet.store import FleetStore
from console.operations.acts import Acts
from console.operations.outcomes import NOT_CONNECTED
from console.operations.waiting import until
from console.sessions.session import Session
from workers.protocol import WorkerRecord

BACK_WITHIN_S = 15.0  # a link that broke is waited for, to ask again what became of a command
TRIES = 3

Reply = TypeVar("Reply")


class Reach:
    """`backends` makes the backend of a session."""

    def __init__(
        self, acts: Acts, store: FleetStore, backends: Callable[[Session], Backend]
    ) -> None:
        self.acts = acts
        self.store = store
        self._backends = backends

    def backend(self, node: str) -> Backend:
        """Raises UsageError for a name that is not known, RequestFailed for a node without a link."""
        known = self.store.nodes.get(node)
        if known is not None and known.state == "detached":
            raise RequestFailed(
                NOT_CONNECTED,
                f"{node} was taken out of the settings and is not connected; nothing was sent. "
                f"`quarterdeck nodes add {node} …` brings it back",
            )
        return self._backends(self.acts.session(node))

    def told(self, node: str, record: WorkerRecord) -> None:
        """A node answered that it has this run: it is known before the next report."""
        self.store.apply(WorkerTold(node, self.store.now, record))

    async def surely(self, node: str, send: Callable[[Backend], Awaitable[Reply]]) -> Reply:
        """The reply to what may be sent twice: after a lost reply it is sent again once the node is back.

        Raises RequestFailed, and RequestLost where no reply could be had.
        """
        for left in reversed(range(TRIES)):
            try:
                return await send(self.backend(node))
            except RequestLost:
                if not left or not await self._back(node):
                    raise
        raise AssertionError("unreachable")

    async def _back(self, node: str) -> bool:
        def up() -> bool:
            known = self.store.nodes.get(node)
            return known is None or (isinstance(known.link, Up) and known.lost is None)

        return await until(self.store, up, BACK_WITHIN_S) and node in self.store.nodes
