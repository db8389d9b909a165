"""What one look at nodes and destinations amounts to. No node is asked here; it may run in a thread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from console.fleet.ledger import Consolidated
from console.fleet.model import Node
from console.operations.ledger.destinations import Destination
from console.operations.ledger.manifests import Manifests
from console.operations.ledger.reader import Listing
from workers.ledger.safety import is_safe
from workers.ledger.shapes import Standing

Places = Mapping[str, tuple[Destination, ...]]  # of each dataset
MERGED = " (merged)"  # behind a dataset's name: the store at the destination, not a node's files
NO_PLACE = "no job names a destination for it"


class Look:
    """`listings`: of each node, by dataset. `manifests` is shared with looks before and after this one."""

    def __init__(
        self,
        nodes: Sequence[Node],
        listings: Mapping[str, Mapping[str, Listing]],
        places: Places,
        manifests: Mapping[tuple[Destination, str], Manifests],
        backed_up: frozenset[str],
    ) -> None:
        self._nodes = nodes
        self._listings = listings
        self._places = places
        self._manifests = manifests
        self._backed_up = backed_up  # datasets for which a backup is configured

    def standings(self) -> dict[str, tuple[Standing, ...]]:
        """Of each node, one for each of its datasets, and one for each that is merged on it."""
        return {
            node.name: (
                *(
                    self._standing(node, name, listing)
                    for name, listing in self._listings[node.name].items()
                ),
                *self._merged_on(node),
            )
            for node in self._nodes
        }

    def _merged_on(self, node: Node) -> Iterator[Standing]:
        for dataset, places in self._places.items():
            listing = self._listings[node.name].get(dataset, Listing())
            own = {(listing.node_key, file.path) for file in listing.files}
            for place in places:
                if place.node == node.name:
                    found = self._manifests[place, dataset]
                    yield found.kept_here(f"{dataset}{MERGED}", own)

    def held(self, clock: float) -> tuple[Consolidated, ...]:
        """What lies at the destinations of each dataset whose manifests were read."""
        return tuple(self._held(name, places, clock) for name, places in self._places.items())

    def _standing(self, node: Node, dataset: str, listing: Listing) -> Standing:
        key = key_of(node)
        if listing.fault:
            return Standing(dataset, unknown=listing.fault)
        if listing.node_key != key:
            return Standing(dataset, unknown=f"another machine answers as {node.name} now")
        if not listing.files and listing.problem is None:
            return nothing(dataset)
        places = self._places.get(dataset, ())
        found = [
            self._manifests[place, dataset].standing(dataset, listing.files, key, listing.problem)
            for place in places
        ]
        if not found:
            return Standing(dataset, unknown=NO_PLACE)
        kept = any(place.node == node.name for place in places)
        return best(found, kept or dataset in self._backed_up)

    def _held(self, dataset: str, places: Sequence[Destination], clock: float) -> Consolidated:
        """Of several destinations, the one that holds most; any that is unknown makes it so."""
        found = [
            self._manifests[place, dataset].consolidated(
                dataset, self._repeated(dataset, self._manifests[place, dataset]), clock
            )
            for place in places
        ]
        if not found:
            return Consolidated(dataset, unknown=NO_PLACE, clock=clock)
        unknown = next((each for each in found if each.unknown), None)
        return unknown or max(found, key=lambda each: each.aggregated_records or 0)

    def _repeated(self, dataset: str, manifests: Manifests) -> int:
        """Records of equal files that more than one machine holds, all copies but one."""
        seen: set[tuple[str, int]] = set()
        repeated = 0
        for node in self._nodes:
            listing = self._listings[node.name].get(dataset)
            if listing is None or node.hello is None:
                continue
            own = dict(manifests.proven(listing.files, node.hello.node_key))
            repeated += sum(records for mark, records in own.items() if mark in seen)
            seen.update(own)
        return repeated


def key_of(node: Node) -> str:
    """What the machine said of itself; "" where it has not."""
    return node.hello.node_key if node.hello else ""


def best(standings: Sequence[Standing], backed_up: bool) -> Standing:
    """Of one dataset at several destinations: one that has it all, or one that is unknown, or the fullest."""
    by_word = {
        is_safe([each], (each.dataset,) if backed_up else ()).safe: each
        for each in sorted(
            standings, key=lambda each: (-each.unaggregated_bytes, -each.unsynced_bytes)
        )
    }
    return next(by_word[word] for word in (True, None, False) if word in by_word)


def nothing(dataset: str) -> Standing:
    """There are no files: nothing to lose, whatever the manifests say."""
    return Standing(dataset, not_backed_up_records=0, not_backed_up_bytes=0, not_backed_up_files=0)
