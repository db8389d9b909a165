"""What the sheet below the datasets says of the row under the cursor, in whole sentences."""

from __future__ import annotations

from console.fleet.ledger import Entry
from console.fleet.totals import DataRow, DatasetTotal
from console.formatting import count, size
from console.ui.data.columns import since
from workers.ledger.shapes import Standing


def of_row(row: DataRow, clock: float) -> str:
    """One dataset on one node."""
    faults = "; ".join((*row.faults, *row.unreadable))
    said = (
        f"{row.dataset} on {row.node}: {row.reason or 'counted'}{'; ' + faults if faults else ''}. "
    )
    return said + of_entry(row.ledger or Entry(row.dataset), clock)


def of_entry(entry: Entry, clock: float) -> str:
    """What of it is elsewhere."""
    standing = entry.standing
    if standing is None:
        return f"What is synced is unknown: {entry.fault}."
    said = ("; ".join(_left(standing)) or "All of it is synced, aggregated and backed up") + "."
    if entry.fault and entry.fault == standing.unknown:
        return f"At least {said} Not all of it can be looked at: {entry.fault}."
    if entry.fault:
        return f"{said} Last known {since(entry.clock, clock)} ago: {entry.fault}."
    return f"{said} No job brings it from here." if entry.stays else said


def _left(standing: Standing) -> list[str]:
    """What is missing at each stage that misses more than the one before it."""
    stages = (
        ("synced", standing.unsynced_records, standing.unsynced_bytes),
        ("aggregated", standing.unaggregated_records, standing.unaggregated_bytes),
        ("backed up", standing.not_backed_up_records, standing.not_backed_up_bytes),
    )
    found, before = [], 0
    for stage, records, size_ in stages:
        if size_ and size_ != before:
            known = "" if records is None else f"{count(records)} records, "
            found.append(f"{known}{size(size_)} not {stage}")
        before = size_ or before
    return found


def of_total(total: DatasetTotal) -> str:
    """One dataset in all."""
    said = f"{total.dataset}: "
    if total.repeated_records:
        said += (
            f"{count(total.repeated_records)} records lie on more than one node and count once. "
        )
    held = total.held
    if held.aggregated_records is not None:
        said += f"{count(held.aggregated_records)} records are aggregated, {count(held.backed_up_records)} backed up"
        said += f" (last known: {held.unknown}). " if held.unknown else ". "
    elif held.unknown:
        said += f"What is aggregated is unknown: {held.unknown}. "
    if total.partial:
        missing = ", ".join(f"{node} ({why})" for node, why in total.unknown)
        return said + f"The total does not speak for {missing}"
    return said + "Every node that holds it is counted"
