"""All about one run of a job in lines: how it goes, each node, what it was told to do, and what happened."""

from __future__ import annotations

from console.fleet.jobs import JobRow
from console.fleet.jobs.orders import Order, orders
from console.fleet.workers.words import command_line, moment
from console.formatting import age, size
from console.ui.jobs.detail import amount_line
from console.ui.jobs.parts import counted, parts_lines
from console.ui.lines import Line, Pen, heading, words
from console.ui.workers.event_lines import event_lines
from workers.protocol import WorkerDetails

_LABEL = 13


def job_lines(row: JobRow, details: WorkerDetails | None, pen: Pen) -> list[Line]:
    """What is known here first; what only its node knows follows when it has answered."""
    lines: list[Line] = [[], amount_line(row, pen), []]
    lines += _facts(row, pen)
    if row.parts:
        lines += [[], heading(pen, "Nodes", counted(row.parts)), *parts_lines(row, pen)]
    if details is not None:
        lines += _told(details, pen) + event_lines(details, pen)
    return lines


def _facts(row: JobRow, pen: Pen) -> list[Line]:
    assert row.view is not None
    view, record = row.view, row.view.record
    said = view.sentence
    lines = _fact(pen, "state", said if said.startswith(row.state) else f"{row.state}: {said}")
    lines += _fact(pen, "says", row.message, warn=row.bad)
    lines += _fact(pen, "command", command_line(record.command))
    by = f", asked by {record.by}" if record.by else ""
    lines += _fact(pen, "run", f"{record.run_id} on {row.node}{by}")
    if record.started_at is not None:
        ended = "" if record.ended_at is None else f", until {moment(record.ended_at)}"
        lines += _fact(pen, "began", f"{moment(record.started_at)}{ended}")
    lines += _fact(pen, "lock", record.singleton)
    grown = "" if record.log_age_s is None else f", last grew {age(record.log_age_s)} ago"
    lines += _fact(pen, "log", f"{size(record.log_bytes)}{grown}; l opens it")
    lines += _fact(pen, "last line", record.last_line)
    for warning in record.warnings:
        lines += _fact(pen, "warning", warning, warn=True)
    return lines


def _fact(pen: Pen, label: str, value: str, warn: bool = False) -> list[Line]:
    if not value:
        return []
    first, *rest = words(pen, value, pen.inks.warn if warn else pen.inks.text, _LABEL + 1)
    return [[(f" {label:<{_LABEL}}", pen.inks.dim), *first[1:]], *rest]


def _told(details: WorkerDetails, pen: Pen) -> list[Line]:
    """Its plan as the run keeps it."""
    lines: list[Line] = []
    for order in orders(details.spec.input):
        lines += _order(order, pen)
    head = heading(pen, "Plan", "as it was told when it began")
    return [[], head, *lines] if lines else []


def _order(order: Order, pen: Pen) -> list[Line]:
    inks = pen.inks
    if order.kind == "host":
        return [*words(pen, f"{order.label}  {order.text}", inks.strong, 1)]
    if order.kind == "command":
        return words(pen, f"$ {order.text}", inks.text, 3)
    if order.kind == "problem":
        return words(pen, f"{order.label} {order.text}".strip(), inks.bad, 3)
    return _fact(pen, order.label, order.text)
