"""`quarterdeck status`: what every node does now."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import TYPE_CHECKING

from console import formatting
from console.cli import exits, shapes
from console.cli.connect import filter_of, first_facts, opened
from console.cli.output import clear, print_json, print_line, print_table
from console.fleet.diagnosis import diagnose_fleet
from console.fleet.filter import Filter
from console.fleet.history import memory_percent
from console.fleet.model import Node
from console.fleet.survey.disk import used_percent

if TYPE_CHECKING:
    from console.runtime import Runtime

_COLUMNS = ("node", "state", "age", "cpu", "load", "memory", "gpus", "disk", "data", "why")
_RIGHT = ("age", "cpu", "load", "memory", "disk", "data")


def run(options: Namespace) -> int:
    """Prints it once, or again and again with --watch."""
    return asyncio.run(_status(options, filter_of(options)))


async def _status(options: Namespace, wanted: Filter) -> int:
    async with opened(options, options.hosts) as runtime:
        await first_facts(runtime)
        code = _show(runtime, wanted, options.json)
        while options.watch:
            await asyncio.sleep(max(0.5, runtime.settings.interval))
            if not options.json:
                clear()
            code = _show(runtime, wanted, options.json)
        return code


def _show(runtime: Runtime, wanted: Filter, as_json: bool) -> int:
    store = runtime.store
    nodes = [node for node in store.nodes.values() if wanted.matches(node, store.alerts)]
    names = {node.name for node in nodes}
    alerts = [alert for alert in store.alerts if alert.node in names]
    if as_json:
        print_json(shapes.status(nodes, alerts, store.now, store.workers_of))
    else:
        print_table(_COLUMNS, [_row(node, store.now) for node in nodes], _RIGHT)
        print_line(diagnose_fleet(nodes, alerts))
    return exits.DONE if all(node.state == "up" for node in nodes) else exits.UNREACHABLE


def _row(node: Node, now: float) -> list[str]:
    sample = node.sample
    age = None if node.sample_at is None else now - node.sample_at
    host = sample.host if sample else None
    return [
        node.name,
        node.state,
        formatting.age(age),
        formatting.percent(host.cpu_percent if host else None),
        f"{host.load[0]:.1f}" if host and host.load else formatting.MISSING,
        formatting.percent(memory_percent(sample) if sample else None),
        _gpus(node),
        _fullest(node),
        _records(node),
        node.reason or (f"same machine as {node.same_as}" if node.same_as else ""),
    ]


def _gpus(node: Node) -> str:
    if node.gpu.fault:
        return node.gpu.fault
    busy = [formatting.percent(gpu.utilization_percent) for gpu in node.gpu.gpus]
    return " ".join(word.replace(" %", "") for word in busy)


def _fullest(node: Node) -> str:
    disks = node.sample.disks if node.sample else ()
    known = [percent for disk in disks if (percent := used_percent(disk)) is not None]
    return formatting.percent(max(known, default=None))


def _records(node: Node) -> str:
    counts = node.counts
    known = [count.records for count in counts if count.records is not None]
    return formatting.short_count(sum(known)) if known else formatting.MISSING
