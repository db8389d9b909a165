"""The ledger: compares what the nodes hold with the manifests at the destinations, and says what is safe.

Nothing of it is kept but a cache: every console reads the same manifests. What cannot be read now is
unknown, and unknown is never safe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.errors import QuarterdeckError, UsageError
from console.fleet.events import DestinationsRead, LedgerLooked
from console.fleet.ledger import Consolidated
from console.fleet.model import Node, Up
from console.fleet.store import FleetStore
from console.operations.destinations import Destination, destinations, is_source, needs_backup
from console.operations.ledger_cache import LedgerCache
from console.operations.ledger_reader import Ask, Listing, list_files, read_manifests
from console.operations.manifests import Manifests
from console.sessions.clock import Clock
from workers.ledger.safety import Safety, is_safe
from workers.ledger.shapes import Standing
from workers.protocol import DatasetWatch

if TYPE_CHECKING:
    from console.settings.model import Settings

AT_ONCE = 8  # nodes that are asked at a time
FRESH_S = 60.0  # while somebody looks, a ledger older than this is made anew
SOON_S = 3.0  # … or when a node came that was not there then

_Key = tuple[Destination, str]  # and the dataset


@dataclass
class _Look:
    """What one refresh found, before anything is concluded."""

    nodes: list[Node]
    listings: dict[str, dict[str, Listing]] = field(default_factory=dict)  # node, dataset


class LedgerOperations:
    """`ask` sends one request to a node by name; it raises QuarterdeckError. `here` names this machine's node."""

    def __init__(
        self,
        ask: Ask,
        store: FleetStore,
        settings: Callable[[], Settings],
        here: Callable[[], str],
        clock: Clock,
        cache: LedgerCache | None = None,
    ) -> None:
        self._ask = ask
        self._here = here
        self._store = store
        self._settings = settings
        self._clock = clock
        self._cache = cache
        self._manifests: dict[_Key, Manifests] = {}
        self._turn = asyncio.Lock()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._looked_at: float | None = None  # at all nodes, by our monotonic clock
        self._seen_up: frozenset[str] = frozenset()

    # ------------------------------------------------------------ looking

    @property
    def busy(self) -> bool:
        """True while a look goes on."""
        return self._turn.locked()

    @property
    def due(self) -> bool:
        """True where who looks at it now should have it made anew: it is old, or a node came since."""
        if self.busy:
            return False
        if self._looked_at is None:
            return True
        age_s = self._clock.monotonic() - self._looked_at
        return age_s >= FRESH_S or (age_s >= SOON_S and bool(self._up() - self._seen_up))

    async def refresh(self, nodes: Iterable[str] = ()) -> None:
        """Looks at these nodes (all, where none is named) and their destinations; the store is told.

        Never raises for a node or a destination that does not answer: what is not known says why.
        """
        async with self._turn:
            named = tuple(nodes)
            look = _Look(self._chosen(named))
            up = self._up()
            datasets = self._datasets(look.nodes)
            await asyncio.gather(
                *(self._read(key, len(datasets[key[1]]) == 1) for key in self._keys(datasets)),
                *(self._list(node, look) for node in look.nodes),
            )
            standings, held = await asyncio.to_thread(self._conclude, look, datasets)
            self._tell(look, standings, () if named else held)  # of some nodes, no total
            if not named:
                self._looked_at, self._seen_up = self._clock.monotonic(), up
            if self._cache is not None:
                await self._cache.save(self._store.ledger)

    async def safe(self, node: str) -> Safety:
        """Whether a node may be destroyed, as a look made now shows. Raises UsageError for an unknown one."""
        if node not in self._store.nodes:
            raise UsageError(f"there is no node named {node}")
        await self.refresh([node])
        return self.known_safety(node)

    def known_safety(self, node: str) -> Safety:
        """The same as last known; unknown where that is not of the newest look."""
        known = self._store.nodes.get(node)
        if known is None:
            return Safety(None, f"unknown: there is no node named {node}")
        watches = known.spec.datasets
        book = self._store.ledger
        entries = [book.entry(known.same_as or node, watch.name) for watch in watches]
        standings = [
            (e.standing or Standing(e.dataset))._replace(unknown=e.fault or None) for e in entries
        ]
        jobs = self._settings().jobs
        wanted = {watch.name for watch in watches if needs_backup(jobs, watch.name)}
        return is_safe(standings, wanted, _unit(watches))

    def is_taken(self, node: str, dataset: str) -> bool:
        """True where some job brings this dataset from this node."""
        known = self._store.nodes.get(node)
        return known is not None and is_source(
            self._settings().jobs, dataset, known.spec, self._here()
        )

    # ------------------------------------------------------------ what is looked at

    def _chosen(self, names: Sequence[str]) -> list[Node]:
        """A machine that has two entries is looked at once."""
        every = self._store.nodes
        wanted = [every[name] for name in names if name in every] if names else every.values()
        real = dict.fromkeys(node.same_as or node.name for node in wanted)
        return [every[name] for name in real if name in every]

    def _up(self) -> frozenset[str]:
        nodes = self._store.nodes
        return frozenset(name for name, node in nodes.items() if isinstance(node.link, Up))

    def _datasets(self, nodes: Iterable[Node]) -> dict[str, tuple[Destination, ...]]:
        jobs = self._settings().jobs
        names = dict.fromkeys(watch.name for node in nodes for watch in node.spec.datasets)
        here = self._here()
        return {name: destinations(jobs, name, here) for name in names}

    def _keys(self, datasets: dict[str, tuple[Destination, ...]]) -> list[_Key]:
        return [(place, name) for name, places in datasets.items() for place in places]

    async def _read(self, key: _Key, only: bool) -> None:
        """`only`: there is no other destination, so what was kept of the dataset was kept there."""
        place, dataset = key
        known = only and self._store.ledger.was_kept(dataset)
        manifests = self._manifests.setdefault(key, Manifests())
        try:
            await read_manifests(self._ask, place, dataset, manifests, known)
            manifests.fault = ""
        except QuarterdeckError as error:
            manifests.fault = f"the manifests at {place} cannot be read: {error}"

    async def _list(self, node: Node, look: _Look) -> None:
        found = look.listings.setdefault(node.name, {})
        async with self._room:
            for watch in node.spec.datasets:
                found[watch.name] = await self._listing(node, watch)

    async def _listing(self, node: Node, watch: DatasetWatch) -> Listing:
        if not isinstance(node.link, Up):
            return Listing(fault=f"{node.name} is {node.state}: {node.reason}")
        try:
            return await list_files(self._ask, node.name, node.spec.root, watch)
        except QuarterdeckError as error:
            return Listing(fault=f"{node.name} does not list its files: {error}")

    # ------------------------------------------------------------ what it amounts to (in a thread)

    def _conclude(
        self, look: _Look, datasets: dict[str, tuple[Destination, ...]]
    ) -> tuple[dict[str, list[Standing]], list[Consolidated]]:
        standings = {
            node.name: [
                self._standing(node, name, listing, datasets[name])
                for name, listing in look.listings[node.name].items()
            ]
            for node in look.nodes
        }
        held = [self._held(name, places, look) for name, places in datasets.items()]
        return standings, held

    def _standing(
        self, node: Node, dataset: str, listing: Listing, places: tuple[Destination, ...]
    ) -> Standing:
        key = node.hello.node_key if node.hello else ""
        if listing.fault:
            return Standing(dataset, unknown=listing.fault)
        if listing.node_key != key:
            return Standing(dataset, unknown=f"another machine answers as {node.name} now")
        if not places:
            return Standing(dataset, unknown="no job names a destination for it")
        if not listing.files and listing.problem is None:
            return _nothing(dataset)
        found = [
            self._manifests[place, dataset].standing(dataset, listing.files, key, listing.problem)
            for place in places
        ]
        return best(found, needs_backup(self._settings().jobs, dataset))

    def _held(self, dataset: str, places: tuple[Destination, ...], look: _Look) -> Consolidated:
        """Of several destinations, the one that holds most; any that is unknown makes it so."""
        clock = self._clock.wall()
        found = [
            self._manifests[place, dataset].consolidated(
                dataset, self._repeated(dataset, self._manifests[place, dataset], look), clock
            )
            for place in places
        ]
        if not found:
            return Consolidated(dataset, unknown="no job names a destination for it", clock=clock)
        unknown = next((each for each in found if each.unknown), None)
        return unknown or max(found, key=lambda each: each.aggregated_records or 0)

    def _repeated(self, dataset: str, manifests: Manifests, look: _Look) -> int:
        """Records of equal files that more than one machine holds, all copies but one."""
        seen: set[tuple[str, int]] = set()
        repeated = 0
        for node in look.nodes:
            listing = look.listings[node.name].get(dataset)
            if listing is None or node.hello is None:
                continue
            own = dict(manifests.proven(listing.files, node.hello.node_key))
            repeated += sum(records for mark, records in own.items() if mark in seen)
            seen.update(own)
        return repeated

    # ------------------------------------------------------------ telling it

    def _tell(
        self, look: _Look, standings: dict[str, list[Standing]], held: Sequence[Consolidated]
    ) -> None:
        at, clock = self._clock.monotonic(), self._clock.wall()
        for node in look.nodes:
            now = self._store.nodes.get(node.name)
            if now is None or now.hello != node.hello:
                continue  # removed meanwhile, or another machine
            key = node.hello.node_key if node.hello else ""
            self._store.apply(LedgerLooked(node.name, at, clock, key, tuple(standings[node.name])))
        if held:
            self._store.apply(DestinationsRead(at, tuple(held)))


def best(standings: Sequence[Standing], backed_up: bool) -> Standing:
    """Of one dataset at several destinations: one that has it all, or one that is unknown, or the fullest."""
    for each in standings:
        kept = each.not_backed_up_files == 0 or not backed_up
        if each.unknown is None and not each.unaggregated_files and kept:
            return each
    unknown = next((each for each in standings if each.unknown is not None), None)
    return unknown or min(
        standings, key=lambda each: (each.unaggregated_bytes, each.unsynced_bytes)
    )


def _nothing(dataset: str) -> Standing:
    """There are no files: nothing to lose, whatever the manifests say."""
    return Standing(dataset, not_backed_up_records=0, not_backed_up_bytes=0, not_backed_up_files=0)


def _unit(watches: Iterable[DatasetWatch]) -> str:
    """What a record is called: sealed shards and games databases hold games."""
    methods = {watch.method for watch in watches}
    return "game" if methods and methods <= {"shards", "sqlite:games"} else "record"
