"""The ledger: of each node's data, what is not synced, aggregated or backed up, and how old that knowledge is.

It is derived from the nodes' files and the manifests at the destination (`workers.ledger.standing`). What
cannot be made now keeps its last known figures, says why they are not of now, and is never safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from console import formatting
from console.fleet.events import LedgerLooked, LedgerRecalled

if TYPE_CHECKING:
    from workers.ledger.shapes import Standing

LATE_S = 2 * 3600.0
NOT_LOOKED = "nobody has looked yet"
EARLIER = "as another look had it, not this console's own"


@dataclass(frozen=True)
class Entry:
    """One dataset on one node. `standing` is the newest there is, made at `clock` (wall clock)."""

    dataset: str
    standing: Standing | None = None
    clock: float = 0.0
    fault: str = NOT_LOOKED  # why `standing` is missing or not of now; "" when it holds
    stays: bool = False  # no job brings it from this node

    @property
    def holds(self) -> bool:
        """True where the figures are of the newest look."""
        return not self.fault and self.standing is not None

    @property
    def unsynced_bytes(self) -> int | None:
        """None where it is not known now."""
        return self.standing.unsynced_bytes if self.standing and self.holds else None

    @property
    def unsynced_records(self) -> int | None:
        """None where it is not known now, or the records of some file cannot be counted."""
        return self.standing.unsynced_records if self.standing and self.holds else None


@dataclass(frozen=True)
class Consolidated:
    """One dataset at its destination. Figures are None while unknown, and `unknown` says why.

    `repeated_records` lie on more than one node by the sync manifest, all copies but one; sealed shards
    are told apart by their names and are not among them.
    """

    dataset: str
    aggregated_records: int | None = None
    backed_up_records: int | None = None
    last_aggregated_at: float | None = None
    last_backed_up_at: float | None = None
    repeated_records: int = 0
    clock: float = 0.0
    unknown: str | None = NOT_LOOKED


def unsynced_text(entry: Entry, clock: float) -> str:
    """`3.1 GB not synced (1,204 records), last synced 3 h ago`; "" where nothing is known to be missing."""
    standing = entry.standing
    if standing is None or not standing.unsynced_bytes:
        return ""
    text = f"{formatting.size(standing.unsynced_bytes)} not synced"
    if standing.unsynced_records:
        text += f" ({formatting.count(standing.unsynced_records)} records)"
    if standing.last_synced_at is not None:
        text += f", last synced {formatting.age(clock - standing.last_synced_at)} ago"
    if entry.fault:
        text += f"; as known {formatting.age(clock - entry.clock)} ago"
    return text


def is_late(entry: Entry, clock: float) -> bool:
    """True where data wait for a job longer than LATE_S."""
    standing = entry.standing
    if standing is None or entry.stays or not standing.unsynced_bytes:
        return False
    return clock - (standing.last_synced_at or 0.0) > LATE_S


class LedgerBook:
    """What is known of every node and dataset. Mutated only by the store."""

    def __init__(self) -> None:
        self._nodes: dict[str, tuple[str, dict[str, Entry]]] = {}  # node key, entries
        self._datasets: dict[str, Consolidated] = {}
        self.version = 0  # grows with each change

    def of(self, node: str) -> Mapping[str, Entry]:
        """By dataset; empty for a node that nobody looked at."""
        return self._nodes.get(node, ("", {}))[1]

    def entry(self, node: str, dataset: str) -> Entry:
        """One dataset on one node; without figures where nobody looked."""
        return self.of(node).get(dataset) or Entry(dataset)

    def dataset(self, name: str) -> Consolidated:
        """One dataset at its destination; without figures where nobody looked."""
        return self._datasets.get(name) or Consolidated(name)

    def was_kept(self, dataset: str) -> bool:
        """True where anything of it was ever seen at a destination."""
        if self.dataset(dataset).last_aggregated_at is not None:
            return True
        entries = (entries.get(dataset) for _, entries in self._nodes.values())
        return any(
            e is not None and e.standing is not None and e.standing.last_synced_at is not None
            for e in entries
        )

    def unsynced_bytes(self, node: str) -> int | None:
        """What jobs have still to bring from it, as last known; None where nothing is."""
        known = [
            entry.standing.unsynced_bytes
            for entry in self.of(node).values()
            if entry.standing is not None and not entry.stays
        ]
        return sum(known) if known else None

    @property
    def nodes(self) -> Mapping[str, tuple[str, Mapping[str, Entry]]]:
        """Node → (node key, entries), for a cache."""
        return dict(self._nodes)

    def take(self, event: LedgerLooked | LedgerRecalled) -> bool:
        """One event of a node; False where it changed nothing but the time."""
        return self._looked(event) if isinstance(event, LedgerLooked) else self._recalled(event)

    def _looked(self, event: LedgerLooked) -> bool:
        """A standing that is unknown leaves the figures before it; another machine's are forgotten."""
        key, before = self._nodes.get(event.node, (event.node_key, {}))
        said = event.node_key or key
        known = before if key in ("", said) else {}
        after = {
            made.dataset: replace(
                _entered(known.get(made.dataset), made, event.clock),
                stays=made.dataset in event.stays,
            )
            for made in event.standings
        }
        return self._put(event.node, said, after)

    def _recalled(self, event: LedgerRecalled) -> bool:
        """Taken where this console knows nothing yet."""
        if event.node in self._nodes:
            return False
        kept = {entry.dataset: replace(entry, fault=EARLIER) for entry in event.entries}
        return self._put(event.node, event.node_key, kept)

    def _put(self, node: str, node_key: str, after: dict[str, Entry]) -> bool:
        before = self._nodes.get(node)
        self._nodes[node] = (node_key, after)
        self.version += 1
        return before != (node_key, after)

    @property
    def datasets(self) -> tuple[Consolidated, ...]:
        """All that a destination was read for."""
        return tuple(self._datasets.values())

    def read(self, datasets: Iterable[Consolidated]) -> None:
        """Takes what the destinations hold in; what is unknown now keeps its earlier figures."""
        for new in datasets:
            old = self._datasets.get(new.dataset)
            keeps = new.unknown is not None and old is not None
            self._datasets[new.dataset] = (
                replace(old, unknown=new.unknown) if keeps and old else new
            )
        self.version += 1

    def met(self, node: str, node_key: str) -> None:
        """The machine said its key: what was known of another one under this name is of no use."""
        known = self._nodes.get(node)
        if known is not None and known[0] not in ("", node_key):
            self.forget(node)

    def forget(self, node: str) -> None:
        """The node left the fleet."""
        if self._nodes.pop(node, None) is not None:
            self.version += 1


def _entered(before: Entry | None, new: Standing, clock: float) -> Entry:
    if new.unknown is None:
        return Entry(new.dataset, new, clock, "")
    if new.produced_files:  # figures of what could be read: at least so much
        return Entry(new.dataset, new, clock, new.unknown)
    if before is None or before.standing is None:
        return Entry(new.dataset, None, clock, new.unknown)
    return replace(before, fault=new.unknown)
