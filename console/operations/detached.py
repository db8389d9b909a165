"""Nodes that were taken out of the settings while workers live there: listed on until a person forgets them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from console.fleet.events import NodeAdded, NodeDetached, NodeRemoved
from console.fleet.model import Detached
from console.operations.kept_nodes import KeptNodes, live_workers

if TYPE_CHECKING:
    from console.fleet.store import FleetStore
    from console.operations.bulletin import BulletinBoard
    from console.sessions.clock import Clock

LOOK_EVERY_S = 2.0


class DetachedNodes:
    """`kept` is None where nothing is kept on disk; `configured` names the nodes of the settings."""

    def __init__(
        self,
        kept: KeptNodes | None,
        store: FleetStore,
        clock: Clock,
        configured: Callable[[], frozenset[str]],
        board: BulletinBoard,
    ) -> None:
        self._kept = kept
        self._store = store
        self._clock = clock
        self._configured = configured
        self._board = board
        self._keys: dict[str, str] = {}  # of those from the file: their nodes have no hello

    def restore(self) -> None:
        """Lists those that were taken out while no console looked, or before this one started."""
        configured = self._configured()
        for name in self._kept.read() if self._kept else ():
            if name not in configured and name not in self._store.nodes:
                self._restored(name)

    def _restored(self, name: str) -> bool:
        kept = self._kept.read().get(name) if self._kept else None
        if kept is None:
            return False
        now, wall = self._clock.monotonic(), self._clock.wall()
        self._keys[name] = kept.node_key
        self._store.apply(NodeAdded(name, now, kept.spec))
        seen_at = now - max(0.0, wall - kept.seen)
        self._store.apply(NodeDetached(name, now, kept.workers, seen_at))
        return True

    def detach(self, name: str) -> bool:
        """Keeps a node listed that was taken out; False where no worker lives there, or another entry shows it."""
        node = self._store.nodes.get(name)
        if node is None:
            return self._restored(name)
        if not live_workers(node).workers:
            return False
        key = node.hello.node_key if node.hello else ""
        others = (n for n in self._store.nodes.values() if n.name != name and n.state != "detached")
        if key and any(other.hello and other.hello.node_key == key for other in others):
            return False
        self._keys[name] = key
        self.note(frozenset((name,)))
        self._store.apply(NodeDetached(name, self._clock.monotonic(), live_workers(node)))
        count = len(live_workers(node).workers)
        self._board.post(
            "warning",
            f"{name} was taken out of the settings while {count} worker{'s'[: count != 1]} "
            f"live there: listed as detached until it is forgotten (nodes forget {name})",
        )
        return True

    def found_again(self, node_key: str) -> None:
        """A machine answers under some name: what was detached of it is not, any more."""
        for name in [name for name, key in self._keys.items() if key == node_key]:
            node = self._store.nodes.get(name)
            if node is not None and isinstance(node.link, Detached):
                self._store.apply(NodeRemoved(name, self._clock.monotonic()))
            self.forget(name)

    def forget(self, name: str) -> None:
        """Raises OSError where the file cannot be written."""
        self._keys.pop(name, None)
        if self._kept is not None and name not in self._configured():
            self._kept.forget(name)

    async def keep(self) -> None:
        """Writes down what lives where, again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.note()

    def note(self, leaving: frozenset[str] = frozenset()) -> None:
        """Writes down what lives where now, on those too that are `leaving` the settings."""
        if self._kept is None:
            return
        try:
            self._kept.note(self._store, self._configured() | leaving, self._clock.wall())
        except OSError as error:
            self._board.post("warning", f"{self._kept.path}: {error.strerror or error}")
