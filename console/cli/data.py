"""`quarterdeck data`: what each dataset holds on each node, and in all; whether a node may be destroyed."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import TYPE_CHECKING

from console import formatting
from console.cli import exits, shapes
from console.cli.connect import filter_of, first_facts, has_spoken, opened, wait_for
from console.cli.output import print_json, print_line, print_table
from console.errors import UsageError
from console.fleet.filter import Filter
from console.fleet.ledger import Entry
from console.fleet.totals import DataRow, DatasetTotal, data_rows, totals

if TYPE_CHECKING:
    from console.runtime import Runtime

SAFE = "safe"
LEDGER_S = 30.0  # the counts are printed then without it
_COLUMNS = (
    "dataset", "node", "files", "records", "size", "newest", "unsynced", "size unsynced", "synced",
    "aggregated", "backed up", "why",
)  # fmt: skip
_RIGHT = _COLUMNS[2:11]


def run(options: Namespace) -> int:
    """Prints the rows and the totals; a total that lacks a node says which."""
    if options.hosts[:1] == [SAFE]:
        if len(options.hosts) != 2:
            raise UsageError("data safe NODE: wanted one node")
        return asyncio.run(_safe(options, options.hosts[1]))
    return asyncio.run(_data(options, filter_of(options)))


async def _data(options: Namespace, wanted: Filter) -> int:
    async with opened(options, options.hosts) as runtime:
        await first_facts(runtime)
        await _look(runtime)
        store = runtime.store
        nodes = [node for node in store.nodes.values() if wanted.matches(node, store.alerts)]
        rows = data_rows(nodes, store.history, store.now, store.ledger)
        sums = totals(rows, store.ledger)
        if options.json:
            print_json(shapes.data(rows, sums, store.clock))
        else:
            _print(rows, sums, store.clock)
        return exits.DONE if all(node.state == "up" for node in nodes) else exits.UNREACHABLE


async def _look(runtime: Runtime) -> None:
    try:
        await asyncio.wait_for(runtime.ledger.refresh(), LEDGER_S)
    except asyncio.TimeoutError:
        pass  # what was not looked at says so


# ---------------------------------------------------------------- safe


async def _safe(options: Namespace, node: str) -> int:
    """0 yes, 4 no with the numbers, 3 unknown with why."""
    demo = getattr(options, "demo", False)
    async with opened(options, [] if demo else [node]) as runtime:
        store = runtime.store
        name = node if demo else next(iter(store.nodes), node)
        if name not in store.nodes:
            raise UsageError(f"there is no node named {name}")
        asked = runtime.ledger.asked_for(name)
        await wait_for(runtime, lambda: all(has_spoken(store, store.nodes[each]) for each in asked))
        safety = await runtime.ledger.safe(name)
        entries = store.ledger.of(store.nodes[name].same_as or name)
        if options.json:
            print_json(shapes.safety(name, safety, entries.values()))
        else:
            print_line(safety.text)
    if safety.safe is None:
        return exits.UNREACHABLE
    return exits.DONE if safety.safe else exits.REFUSED


# ---------------------------------------------------------------- the table


def _print(rows: tuple[DataRow, ...], sums: tuple[DatasetTotal, ...], clock: float) -> None:
    if not rows:
        print_line("no dataset is configured; `datasets:` in the settings names them")
        return
    lines = []
    for total in sums:
        lines += [_line(row, clock) for row in rows if row.dataset == total.dataset]
        lines.append(_sum(total, clock))
    print_table(_COLUMNS, lines, _RIGHT)


def _line(row: DataRow, clock: float) -> list[str]:
    entry = row.ledger or Entry(row.dataset)
    standing = entry.standing
    return [
        row.dataset,
        row.node,
        formatting.count(row.files),
        formatting.count(row.records),
        formatting.size(row.bytes),
        formatting.age(row.newest_age_s),
        formatting.count(row.unsynced_records),
        formatting.size(row.unsynced_bytes),
        formatting.age(_since(standing.last_synced_at if standing else None, clock)),
        formatting.age(_since(standing.last_aggregated_at if standing else None, clock)),
        formatting.age(_since(standing.last_backed_up_at if standing else None, clock)),
        _why(row, entry),
    ]


def _why(row: DataRow, entry: Entry) -> str:
    if row.same_as:
        return f"the same machine as {row.same_as}"
    return row.reason or ("" if entry.holds else f"ledger: {entry.fault}")


def _sum(total: DatasetTotal, clock: float) -> list[str]:
    lacking = ", ".join(node for node, _ in total.unknown)
    held = total.held
    kept = []
    if held.aggregated_records is not None:
        kept.append(f"{formatting.count(held.aggregated_records)} aggregated")
        kept.append(f"{formatting.count(held.backed_up_records)} backed up")
    if lacking:
        kept.append(f"partial: not all is known of {lacking}")
    return [
        total.dataset,
        "total",
        formatting.count(total.files),
        formatting.count(total.records),
        formatting.size(total.bytes),
        formatting.age(total.newest_age_s),
        formatting.count(total.unsynced_records),
        formatting.size(total.unsynced_bytes),
        "",
        formatting.age(_since(held.last_aggregated_at, clock)),
        formatting.age(_since(held.last_backed_up_at, clock)),
        "; ".join(kept),
    ]


def _since(at: float | None, clock: float) -> float | None:
    return None if at is None else max(0.0, clock - at)
