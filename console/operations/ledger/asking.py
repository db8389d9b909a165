"""Nodes and destinations are asked here, a few at a time; what does not answer says why."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from console.errors import QuarterdeckError, RequestFailed
from console.fleet.model import Connecting, Node, Stale, Up
from console.fleet.store import FleetStore
from console.operations.ledger.destinations import Destination
from console.operations.ledger.look import key_of
from console.operations.ledger.manifests import Manifests
from console.operations.ledger.reader import Ask, Listing, list_files, read_manifests
from workers.protocol import DatasetWatch

__all__ = ["Ask", "Asking", "Listing", "up"]

AT_ONCE = 8  # nodes that list their files at a time
OF_ONE = 2  # requests to one node at a time: its agent has other things to answer
_TRIES, _TRY_EVERY_S = 50, 0.2


def up(store: FleetStore) -> frozenset[str]:
    """The nodes whose link stands."""
    return frozenset(name for name, node in store.nodes.items() if isinstance(node.link, Up))


class Asking:
    """`send` takes one request to a node by name; it raises QuarterdeckError."""

    def __init__(self, send: Ask, store: FleetStore) -> None:
        self.send = send
        self._store = store
        self._room = asyncio.Semaphore(AT_ONCE)
        self._rooms: dict[str, asyncio.Semaphore] = {}

    async def list(self, node: Node, counted: bool) -> dict[str, Listing]:
        """The files of each dataset; `counted`: one that was counted empty need not be listed, and no link
        is waited for: another look comes.
        """
        empty = _counted_empty(node) if counted else frozenset()
        async with self._room:
            return {
                watch.name: Listing(node_key=key_of(node))
                if watch.name in empty
                else await self._listing(node, watch, patient=not counted)
                for watch in node.spec.datasets
            }

    async def read(
        self, place: Destination, dataset: str, manifests: Manifests, only: bool
    ) -> None:
        """`only`: there is no other destination, so what was kept of the dataset was kept there."""
        known = only and self._store.ledger.was_kept(dataset)
        try:
            await read_manifests(self._ask, place, dataset, manifests, known)
            manifests.fault = ""
        except QuarterdeckError as error:
            manifests.fault = f"the manifests at {place} cannot be read: {error}"

    async def _listing(self, node: Node, watch: DatasetWatch, patient: bool) -> Listing:
        if not isinstance(node.link, Up):
            return Listing(fault=f"{node.name} is {node.state}: {node.reason}")
        try:
            ask = self._ask if patient else self._ask_now
            found = await list_files(ask, node.name, node.spec.root, watch)
        except QuarterdeckError as error:
            return Listing(fault=f"{node.name} does not list its files: {error}")
        hidden = watch.name in node.spec.hidden_while_empty
        return replace(found, problem=None) if hidden and found.absent else found

    async def _ask(self, node: str, message: Any, timeout_s: float) -> Any:
        """A link that is just being made is waited for."""
        for _ in range(_TRIES):
            try:
                return await self._ask_now(node, message, timeout_s)
            except RequestFailed as error:
                if error.code != "not_connected" or not self._comes(node):
                    raise
            await asyncio.sleep(_TRY_EVERY_S)
        return await self._ask_now(node, message, timeout_s)

    async def _ask_now(self, node: str, message: Any, timeout_s: float) -> Any:
        async with self._rooms.setdefault(node, asyncio.Semaphore(OF_ONE)):
            return await self.send(node, message, timeout_s)

    def _comes(self, node: str) -> bool:
        """Whether its link stands or may stand in a moment."""
        known = self._store.nodes.get(node)
        return known is not None and isinstance(known.link, (Up, Stale, Connecting))


def _counted_empty(node: Node) -> frozenset[str]:
    """Datasets without a file, by a count of this link: most of those that come with the program."""
    if node.datasets is None or not isinstance(node.link, Up):
        return frozenset()
    return frozenset(
        count.name
        for count in node.datasets.counts
        if count.files == 0
        and not count.unreadable_files
        and not count.faults
        and (count.records == 0 or count.name in node.spec.hidden_while_empty)
    )
