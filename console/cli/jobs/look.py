"""`jobs list`, `jobs show`."""

from __future__ import annotations

from argparse import Namespace

from console import formatting
from console.cli import exits
from console.cli.jobs import fleet, shapes
from console.cli.output import print_json, print_line, print_table
from console.errors import UsageError
from console.fleet.jobs import JobRow, Planned
from console.fleet.workers import words
from console.operations.jobs import JobOperations
from workers.protocol import ProgressPart

_COLUMNS = ("job", "kind", "state", "since", "nodes", "progress", "rate", "left", "run", "why")
_RIGHT = ("since", "nodes", "progress", "rate", "left")
_NODE_COLUMNS = ("node", "state", "done", "bytes", "rate", "left", "why")
_NODE_RIGHT = ("done", "bytes", "rate", "left")


async def run(options: Namespace) -> int:
    async with fleet.homes(options) as runtime:
        if options.verb == "list":
            return _list(options, runtime.jobs)
        return _show(options, runtime.jobs)


def _list(options: Namespace, jobs: JobOperations) -> int:
    planned, rows = jobs.planned(), jobs.rows()
    if options.json:
        print_json(shapes.listed(planned, rows))
        return exits.DONE
    ran = {row.name for row in rows}
    shown = [_row(row) for row in rows]
    shown += [_never_ran(one) for one in planned if one.name not in ran]
    print_table(_COLUMNS, shown, _RIGHT)
    return exits.DONE


def _row(row: JobRow) -> list[str]:
    amount = row.amount
    return [
        row.name,
        row.kind,
        row.state,
        formatting.age(row.when_s) if row.when_s is not None else "",
        f"{amount.nodes_done}/{amount.nodes}" if amount.nodes else "",
        "" if amount.share is None else f"{amount.share:.0%}",
        "" if amount.rate is None else f"{formatting.size(amount.rate)}/s",
        "" if amount.eta_s is None else formatting.age(amount.eta_s),
        row.view.record.run_id[:12] if row.view else "",
        row.message,
    ]


def _never_ran(one: Planned) -> list[str]:
    return [one.name, one.kind, "", "", "", "", "", "", "", one.note]


# ---------------------------------------------------------------- show


def _show(options: Namespace, jobs: JobOperations) -> int:
    try:
        target = jobs.find(options.name)
    except UsageError:
        if options.name not in jobs.names():
            raise
        return _defined(options, next(o for o in jobs.planned() if o.name == options.name))
    row = next(r for r in jobs.rows() if r.view and r.view.record.run_id == target.run_id)
    if options.json:
        print_json({"schema": shapes.SCHEMA, **shapes.run(row)})
        return exits.DONE
    assert row.view is not None
    record = row.view.record
    print_line(f"{row.name} ({row.kind}) on {row.node}: {row.state}", "bold")
    print_line(f"  run       {record.run_id}, attempt {record.attempt}, by {record.by or 'nobody'}")
    if record.started_at:
        print_line(f"  started   {words.moment(record.started_at)}")
    if row.message:
        print_line(f"  says      {row.message}")
    if row.parts:
        print_table(_NODE_COLUMNS, [_part(one) for one in row.parts], _NODE_RIGHT)
    return exits.DONE


def _defined(options: Namespace, one: Planned) -> int:
    if options.json:
        print_json({**shapes.listed([one], []), "name": one.name})
        return exits.DONE
    due = f"; due in {formatting.age(one.in_s)} ({one.schedule})" if one.in_s is not None else ""
    print_line(f"{one.name} ({one.kind}): no run of it is known{due}")
    if one.note:
        print_line(f"  held back: {one.note}")
    return exits.DONE


def _part(one: ProgressPart) -> list[str]:
    done = "" if one.done is None else formatting.count(one.done)
    total = "" if one.total is None else f"/{formatting.count(one.total)}"
    size = "" if one.bytes is None else formatting.size(one.bytes)
    whole = "" if one.bytes_total is None else f" of {formatting.size(one.bytes_total)}"
    return [
        one.name,
        one.state,
        f"{done}{total} {one.unit}".strip(),
        f"{size}{whole}",
        "" if one.rate_bytes_s is None else f"{formatting.size(one.rate_bytes_s)}/s",
        "" if one.eta_s is None else formatting.age(one.eta_s),
        one.message,
    ]
