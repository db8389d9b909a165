"""`quarterdeck data`: what each dataset holds on each node, and in all."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from console import formatting
from console.cli import exits, shapes
from console.cli.connect import filter_of, first_facts, opened
from console.cli.output import print_json, print_line, print_table
from console.fleet.filter import Filter
from console.fleet.totals import DataRow, DatasetTotal, data_rows, totals

_COLUMNS = ("dataset", "node", "files", "records", "size", "newest", "why")
_RIGHT = ("files", "records", "size", "newest")


def run(options: Namespace) -> int:
    """Prints the rows and the totals; a total that lacks a node says which."""
    return asyncio.run(_data(options, filter_of(options)))


async def _data(options: Namespace, wanted: Filter) -> int:
    async with opened(options, options.hosts) as runtime:
        await first_facts(runtime)
        store = runtime.store
        nodes = [node for node in store.nodes.values() if wanted.matches(node, store.alerts)]
        rows = data_rows(nodes, store.history, store.now)
        sums = totals(rows)
        if options.json:
            print_json(shapes.data(rows, sums))
        else:
            _print(rows, sums)
        return exits.DONE if all(node.state == "up" for node in nodes) else exits.UNREACHABLE


def _print(rows: tuple[DataRow, ...], sums: tuple[DatasetTotal, ...]) -> None:
    if not rows:
        print_line("no dataset is configured; `datasets:` in the settings names them")
        return
    lines = []
    for total in sums:
        lines += [_line(row) for row in rows if row.dataset == total.dataset]
        lines.append(_sum(total))
    print_table(_COLUMNS, lines, _RIGHT)


def _line(row: DataRow) -> list[str]:
    why = f"the same machine as {row.same_as}" if row.same_as else row.reason or ""
    return [
        row.dataset,
        row.node,
        formatting.count(row.files),
        formatting.count(row.records),
        formatting.size(row.bytes),
        formatting.age(row.newest_age_s),
        why,
    ]


def _sum(total: DatasetTotal) -> list[str]:
    lacking = ", ".join(node for node, _ in total.unknown)
    return [
        total.dataset,
        "total",
        formatting.count(total.files),
        formatting.count(total.records),
        formatting.size(total.bytes),
        formatting.age(total.newest_age_s),
        f"partial: not all is known of {lacking}" if lacking else "",
    ]
