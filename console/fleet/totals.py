"""Datasets over the fleet: one row for each dataset on each node, and totals that count no record twice.

A machine that has two entries counts once, and a sealed shard counts once wherever it lies. What is not
known makes a total partial, and is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from console.fleet.history import DAY_S, HOUR_S, NodeHistory
from console.fleet.ledger import Consolidated, Entry, LedgerBook
from console.fleet.model import Node, Up
from console.fleet.survey.data import newest_age_s
from workers.protocol import DatasetCount

_NOTHING = Consolidated("")


@dataclass(frozen=True)
class DataRow:
    """One dataset on one node. Figures are None while unknown; `reason` says why."""

    node: str
    dataset: str
    state: str  # of the node: the figures of one that is not up are the last known
    files: int | None = None
    records: int | None = None
    bytes: int | None = None
    newest_age_s: float | None = None
    per_hour: float | None = None  # over the last hour
    per_hour_of_day: float | None = None  # over the last day
    reason: str | None = None
    unreadable_files: int = 0
    unreadable: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    same_as: str | None = None  # counted there
    count: DatasetCount | None = None
    ledger: Entry | None = None  # what of it is elsewhere, as last looked at

    @property
    def unsynced_records(self) -> int | None:
        """None unless it is known now."""
        return self.ledger.unsynced_records if self.ledger and self.state == "up" else None

    @property
    def unsynced_bytes(self) -> int | None:
        """None unless it is known now."""
        return self.ledger.unsynced_bytes if self.ledger and self.state == "up" else None


@dataclass(frozen=True)
class DatasetTotal:
    """One dataset over all nodes; `unknown` names each node that is missing or not of now, and why."""

    dataset: str
    files: int | None = None
    records: int | None = None
    bytes: int | None = None
    per_hour: float | None = None
    per_hour_of_day: float | None = None
    newest_age_s: float | None = None
    nodes: int = 0
    repeated_records: int = 0  # left out because the same shard was counted elsewhere
    unknown: tuple[tuple[str, str], ...] = ()
    unsynced_records: int | None = None  # None while that of any node is unknown
    unsynced_bytes: int | None = None
    unsynced_bytes_known: int | None = None  # at least so much, as last known
    held: Consolidated = _NOTHING  # what lies at its destination

    @property
    def partial(self) -> bool:
        """True where the total does not speak for every node."""
        return bool(self.unknown)


def data_rows(
    nodes: Iterable[Node],
    history: Callable[[str], NodeHistory],
    now: float,
    ledger: LedgerBook | None = None,
) -> tuple[DataRow, ...]:
    """A row for each dataset that is counted, or should be, on each node; in the order of the nodes."""
    rows = []
    for node in nodes:
        counts = {count.name: count for count in node.counts}
        names = dict.fromkeys([*(watch.name for watch in node.spec.expected_datasets), *counts])
        for name in names:
            row = _row(node, name, counts.get(name), history(node.name), now)
            kept = ledger.entry(node.same_as or node.name, name) if ledger is not None else None
            rows.append(replace(row, ledger=kept))
    return tuple(rows)


def totals(rows: Iterable[DataRow], ledger: LedgerBook | None = None) -> tuple[DatasetTotal, ...]:
    """A total for each dataset, in the order the datasets first appear."""
    book = ledger or LedgerBook()
    by_dataset: dict[str, list[DataRow]] = {}
    for row in rows:
        by_dataset.setdefault(row.dataset, []).append(row)
    return tuple(_total(name, own, book.dataset(name)) for name, own in by_dataset.items())


def _row(
    node: Node, name: str, count: DatasetCount | None, history: NodeHistory, now: float
) -> DataRow:
    if count is None:
        why = node.reason or "not counted yet"
        return DataRow(node.name, name, node.state, reason=why, same_as=node.same_as)
    return DataRow(
        node=node.name,
        dataset=name,
        state=node.state,
        files=count.files,
        records=count.records,
        bytes=count.bytes,
        newest_age_s=newest_age_s(node, count, now),
        per_hour=history.dataset_rate(name, HOUR_S),
        per_hour_of_day=history.dataset_rate(name, DAY_S),
        reason=_reason(node, count),
        unreadable_files=count.unreadable_files,
        unreadable=count.unreadable,
        faults=count.faults,
        same_as=node.same_as,
        count=count,
    )


def _reason(node: Node, count: DatasetCount) -> str | None:
    if count.records is None:
        return count.reason or "not counted yet"
    if not isinstance(node.link, Up):
        return f"last known count; the node is {node.state}: {node.reason}"
    if count.unreadable_files:
        files = "file" if count.unreadable_files == 1 else "files"
        return f"{count.unreadable_files} {files} unreadable"
    return count.reason


def _total(name: str, rows: list[DataRow], held: Consolidated) -> DatasetTotal:
    own = [row for row in rows if row.same_as is None]
    counted = [row for row in own if row.records is not None and row.records >= 0]
    records = _sum(row.records for row in counted)
    repeated = min(_repeated_records(counted) + held.repeated_records, records or 0)
    ages = [row.newest_age_s for row in counted if row.newest_age_s is not None]
    return DatasetTotal(
        dataset=name,
        files=_sum(row.files for row in counted),
        records=None if records is None else records - repeated,
        bytes=_sum(row.bytes for row in counted),
        per_hour=_sum_of_rates(row.per_hour for row in counted if row.state == "up"),
        per_hour_of_day=_sum_of_rates(row.per_hour_of_day for row in counted if row.state == "up"),
        newest_age_s=min(ages, default=None),
        nodes=len(own),
        repeated_records=repeated,
        unknown=tuple((row.node, row.reason or row.state) for row in own if _is_unsure(row)),
        unsynced_records=_whole([row.unsynced_records for row in own]),
        unsynced_bytes=_whole([row.unsynced_bytes for row in own]),
        unsynced_bytes_known=_sum(
            row.ledger.standing.unsynced_bytes
            for row in own
            if row.ledger is not None and row.ledger.standing is not None
        ),
        held=held,
    )


def _is_unsure(row: DataRow) -> bool:
    unknown = row.records is None or row.records < 0
    return unknown or row.state != "up" or row.unreadable_files > 0


def _repeated_records(rows: list[DataRow]) -> int:
    """Records of sealed shards that more than one node holds, all copies but one."""
    seen: set[tuple[str, int]] = set()
    repeated = 0
    for row in rows:
        own = _sealed(row)
        repeated += sum(records for _, records in own & seen)
        seen |= own
    return repeated


def _sealed(row: DataRow) -> set[tuple[str, int]]:
    """(hash, records) of the sealed shards of a node; none where they hold more than it counted: a false
    list must not take back the records of others."""
    found: set[tuple[str, int]] = set()
    for shard in row.count.shards if row.count and row.count.shards_listed else ():
        digest, _, records = shard.rpartition(":")
        if records.isdecimal() and records.isascii():
            found.add((digest, int(records[:18])))
    return found if sum(records for _, records in found) <= (row.records or 0) else set()


def _whole(values: list[int | None]) -> int | None:
    """The sum, where every one is known: what is missing must not look like nothing."""
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _sum_of_rates(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
