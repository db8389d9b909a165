"""`quarterdeck diagnose`: what holds a node, or the fleet, back."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from console.cli import exits
from console.cli.connect import filter_of, first_facts, opened
from console.cli.output import print_json, print_line
from console.fleet.diagnosis import Diagnosis, diagnose, diagnose_fleet
from console.fleet.filter import Filter
from console.fleet.model import Node


def run(options: Namespace) -> int:
    """Prints facts, reasons and the next step of the nodes named; of all that have a problem if none is."""
    return asyncio.run(_diagnose(options, filter_of(options)))


async def _diagnose(options: Namespace, wanted: Filter) -> int:
    async with opened(options, options.hosts) as runtime:
        await first_facts(runtime)
        store = runtime.store
        nodes = [node for node in store.nodes.values() if wanted.matches(node, store.alerts)]
        found = [
            (
                node,
                diagnose(
                    node,
                    store.history(node.name),
                    store.alerts,
                    store.now,
                    store.workers_of(node.name),
                    store.ledger.of(node.name),
                    store.clock,
                ),
            )
            for node in nodes
        ]
        headline = diagnose_fleet(nodes, store.alerts)
        if options.json:
            shown = [_shape(node, diagnosis) for node, diagnosis in found]
            print_json({"schema": 1, "headline": headline, "nodes": shown})
        else:
            _print(headline, found, everything=bool(options.hosts) or len(nodes) == 1)
        return exits.DONE if all(node.state == "up" for node in nodes) else exits.UNREACHABLE


def _shape(node: Node, diagnosis: Diagnosis) -> dict[str, object]:
    return {
        "node": node.name,
        "state": node.state,
        "headline": diagnosis.headline,
        "facts": list(diagnosis.facts),
        "reasons": list(diagnosis.reasons),
        "key": diagnosis.next_key or None,
    }


def _print(headline: str, found: list[tuple[Node, Diagnosis]], everything: bool) -> None:
    print_line(headline, "bold")
    for _, diagnosis in found:
        if not everything and not diagnosis.reasons:
            continue
        print_line("")
        print_line(diagnosis.headline, "bold")
        for reason in diagnosis.reasons:
            print_line(f"  - {reason}")
        for fact in diagnosis.facts if everything else ():
            print_line(f"    {fact}")
        if diagnosis.next_key:
            print_line(f"  in the console: {diagnosis.next_key} {diagnosis.next_help}")
