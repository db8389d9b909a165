"""`quarterdeck alerts`: what is wrong now; `alerts ack ID…` marks some as seen."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from console import formatting
from console.cli import exits, shapes
from console.cli.connect import filter_of, first_facts, opened, settings_of
from console.cli.output import print_json, print_line, print_table
from console.errors import UsageError
from console.fleet.filter import Filter

_COLUMNS = ("node", "severity", "since", "what", "in the console", "id")


def run(options: Namespace) -> int:
    """Prints the active alerts, worst first, or marks some as seen."""
    if options.verb == "ack":
        return _acknowledge(options)
    return asyncio.run(_alerts(options, filter_of(options)))


async def _alerts(options: Namespace, wanted: Filter) -> int:
    async with opened(options) as runtime:
        await first_facts(runtime)
        store = runtime.store
        nodes = [node for node in store.nodes.values() if wanted.matches(node, store.alerts)]
        names = {node.name for node in nodes}
        active = [alert for alert in store.alerts if alert.node in names]
        if options.json:
            print_json(shapes.alerts(active))
        elif not active:
            print_line("nothing is wrong that can be seen at once")
        else:
            rows = [
                [
                    alert.node,
                    "acknowledged" if alert.acknowledged else alert.severity.value,
                    formatting.age(store.now - alert.since),
                    alert.text + (" (not known now)" if alert.suspended else ""),
                    f"{alert.key} {alert.help}",
                    alert.id,
                ]
                for alert in active
            ]
            print_table(_COLUMNS, rows, ("since",))
        return exits.DONE if all(node.state == "up" for node in nodes) else exits.UNREACHABLE


def _acknowledge(options: Namespace) -> int:
    from console.fleet.survey.sentence import KINDS
    from console.operations.acknowledgements import Acknowledgements
    from console.settings.places import places

    settings_of(options)  # wrong settings are said before anything is written
    for alert_id in options.ids:
        _, _, kind_and_subject = alert_id.partition(":")
        if kind_and_subject.partition(":")[0] not in KINDS:
            raise UsageError(f"'{alert_id}' is no alert's id; `quarterdeck alerts` prints them")
    Acknowledgements(places().acknowledged).add(options.ids)
    if options.json:
        print_json({"schema": shapes.SCHEMA, "acknowledged": options.ids})
    else:
        print_line(f"acknowledged: {', '.join(options.ids)}")
    return exits.DONE
