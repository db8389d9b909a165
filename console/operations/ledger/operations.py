"""The ledger: compares what the nodes hold with the manifests at the destinations, and says what is safe.

Nothing of it is kept but a cache: every console reads the same manifests. What cannot be read now is
unknown, and unknown is never safe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from console import formatting
from console.errors import Refused, UsageError
from console.fleet.events import DestinationsRead, LedgerLooked
from console.fleet.ledger import Entry
from console.fleet.model import Node
from console.fleet.store import FleetStore
from console.operations.ledger.asking import Ask, Asking, Listing, up
from console.operations.ledger.cache import LedgerCache
from console.operations.ledger.destinations import (
    Destination,
    destinations,
    is_source,
    needs_backup,
)
from console.operations.ledger.look import MERGED, Look, Places, key_of
from console.operations.ledger.manifests import Manifests
from console.operations.ledger.verdict import promised, refusal, unit_of
from console.sessions.clock import Clock
from workers.ledger.safety import Safety, is_safe
from workers.ledger.shapes import Standing

if TYPE_CHECKING:
    from console.settings.model import Settings

FRESH_S = 60.0  # while somebody looks, a ledger older than this is made anew
SOON_S = 3.0  # … or when a node came that was not there then


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
        self._asking = Asking(ask, store)
        self._store = store
        self._settings = settings
        self._here = here
        self._clock = clock
        self._cache = cache
        self._manifests: dict[tuple[Destination, str], Manifests] = {}
        self._turn = asyncio.Lock()
        self._looked_at: float | None = None  # at all nodes, by our monotonic clock
        self._seen_up: frozenset[str] = frozenset()
        self._tried: dict[str, float] = {}  # when each node was last looked at, or was to be

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
        return age_s >= FRESH_S or (age_s >= SOON_S and bool(up(self._store) - self._seen_up))

    def is_due(self, node: str) -> bool:
        """The same for one node that somebody looks at."""
        at = self._tried.get(node)
        return not self.busy and (at is None or self._clock.monotonic() - at >= FRESH_S)

    async def refresh(self) -> None:
        """Looks at all nodes and their destinations; the store is told.

        Never raises for a node or a destination that does not answer: what is not known says why.
        """
        async with self._turn:
            seen_up = up(self._store)
            await self._look(self._machines(self._store.nodes), whole=True)
            self._looked_at, self._seen_up = self._clock.monotonic(), seen_up
            if self._cache is not None:
                await self._cache.save(self._store.ledger)

    async def safe(self, node: str) -> Safety:
        """Whether a node may be destroyed, as a look made now shows. Raises UsageError for an unknown one."""
        if node not in self._store.nodes:
            raise UsageError(f"there is no node named {node}")
        async with self._turn:
            await self._look(self._machines([node]), whole=False)
        return self.known_safety(node)

    def asked_for(self, node: str) -> frozenset[str]:
        """The nodes of this console that a look at `node` asks: itself and the destinations of its datasets."""
        watches = self._store.nodes[node].spec.datasets
        jobs, here = self._settings().jobs, self._here()
        places = {p.node for watch in watches for p in destinations(jobs, watch.name, here)}
        return frozenset(places & self._store.nodes.keys()) | {node}

    def known_safety(self, node: str) -> Safety:
        """The same as last known; unknown where that is not of the newest look."""
        known = self._store.nodes.get(node)
        if known is None:
            return Safety(None, f"unknown: there is no node named {node}")
        name, watches = known.same_as or node, known.spec.datasets
        book = self._store.ledger
        merged = [entry for entry in book.of(name).values() if entry.dataset.endswith(MERGED)]
        entries = [*(book.entry(name, watch.name) for watch in watches), *merged]
        standings = [promised(entry) for entry in entries]
        held = {each.dataset for each in standings if each.produced_files}
        counted = [w for w in watches if w.name in held] or watches
        return is_safe(standings, self._must_be_backed_up(merged), unit_of(counted))

    def remembered(self, node: str) -> tuple[Safety, float] | None:
        """What was last known of a node that cannot be asked, and its age (s); None where nothing is."""
        entries = tuple(self._store.ledger.of(node).values())
        if not entries and self._cache is not None:
            entries = self._cache.entries(node)
        made = [(entry.standing, entry.clock) for entry in entries if entry.standing is not None]
        if not made:
            return None
        merged = [entry for entry in entries if entry.dataset.endswith(MERGED)]
        age_s = max(0.0, self._clock.wall() - min(clock for _, clock in made))
        return is_safe([one for one, _ in made], self._must_be_backed_up(merged)), age_s

    async def refuse_unsafe(self, node: str) -> None:
        """The guard before something that takes a node's data out of sight. Raises Refused with the numbers."""
        if node in self._store.nodes and not self._store.nodes[node].spec.datasets:
            return
        safety = await self.safe(node)
        if safety.safe is not True:
            raise Refused(refusal(node, safety.text))

    def refuse_remembered(self, node: str) -> str:
        """The same where it cannot be asked: a warning where nothing is known. Raises Refused."""
        known = self.remembered(node)
        if known is None:
            return (
                f"whether all data of {node} are elsewhere is not known; `data safe {node}` says it"
            )
        safety, age_s = known
        when = f"as known {formatting.age(age_s)} ago"
        if safety.safe is False:
            raise Refused(refusal(node, f"{safety.text} ({when})"))
        return "" if safety.safe else f"{node}: {safety.text} ({when})"

    # ------------------------------------------------------------ what is looked at

    def _machines(self, names: Iterable[str]) -> list[Node]:
        """A machine that has two entries is looked at once."""
        every = self._store.nodes
        real = dict.fromkeys(every[name].same_as or name for name in names)
        return [every[name] for name in real if name in every]

    def _backed_up(self) -> frozenset[str]:
        settings = self._settings()
        names = (dataset.name for dataset in settings.datasets)
        return frozenset(name for name in names if needs_backup(settings.jobs, name))

    def _must_be_backed_up(self, merged: Iterable[Entry]) -> frozenset[str]:
        """What is merged on a node lies there alone until it is backed up, its own part of it too."""
        names = frozenset(entry.dataset for entry in merged)
        return self._backed_up() | names | {name.removesuffix(MERGED) for name in names}

    async def _look(self, nodes: Sequence[Node], whole: bool) -> None:
        """`whole`: at all nodes, so that what is counted already need not be listed and totals can be made."""
        listed = await asyncio.gather(*(self._asking.list(node, whole) for node in nodes))
        listings = {node.name: found for node, found in zip(nodes, listed, strict=True)}
        places = self._places(nodes, listings)
        await asyncio.gather(
            *(
                self._asking.read(place, name, self._of(place, name), len(every) == 1)
                for name, every in places.items()
                for place in every
            )
        )
        clock = self._clock.wall()
        self._tried.update(dict.fromkeys(listings, self._clock.monotonic()))
        look = Look(nodes, listings, places, self._manifests, self._backed_up())
        standings = await asyncio.to_thread(look.standings)
        held = await asyncio.to_thread(look.held, clock) if whole else ()
        self._tell(nodes, standings, clock)
        if held:
            self._store.apply(DestinationsRead(self._clock.monotonic(), held))

    def _kept_on(self, nodes: Collection[str]) -> Iterator[str]:
        """Datasets of which one of these is a destination."""
        settings, here = self._settings(), self._here()
        for dataset in settings.datasets:
            if any(p.node in nodes for p in destinations(settings.jobs, dataset.name, here)):
                yield dataset.name

    def _of(self, place: Destination, dataset: str) -> Manifests:
        return self._manifests.setdefault((place, dataset), Manifests())

    def _places(self, nodes: Iterable[Node], listings: dict[str, dict[str, Listing]]) -> Places:
        """Of the datasets that anybody sees or that have files: others have nothing to prove."""
        jobs, here = self._settings().jobs, self._here()
        seen = {watch.name for node in nodes for watch in node.spec.expected_datasets}
        names = dict.fromkeys(
            name
            for found in listings.values()
            for name, listing in found.items()
            if listing.files or listing.problem or name in seen
        )
        names |= dict.fromkeys(self._kept_on({node.name for node in nodes}))
        return {name: destinations(jobs, name, here) for name in names}

    def _tell(
        self, nodes: Iterable[Node], standings: dict[str, tuple[Standing, ...]], clock: float
    ) -> None:
        at = self._clock.monotonic()
        for node in nodes:
            now = self._store.nodes.get(node.name)
            if now is None or key_of(now) != key_of(node):
                continue  # removed meanwhile, or another machine
            made = standings[node.name]
            self._store.apply(
                LedgerLooked(node.name, at, clock, key_of(node), made, self._staying(node))
            )

    def _staying(self, node: Node) -> frozenset[str]:
        jobs, here = self._settings().jobs, self._here()
        names = (watch.name for watch in node.spec.datasets)
        return frozenset(name for name in names if not is_source(jobs, name, node.spec, here))
