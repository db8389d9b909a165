"""The job under the cursor, beside or below the list: what it says, and each of its nodes."""

from __future__ import annotations

from rich.style import Style

from console.fleet.jobs import JobRow
from console.fleet.jobs.amount import Amount
from console.formatting import age, percent, rate, size
from console.text import one_line
from console.ui.jobs.columns import state_ink, when
from console.ui.jobs.parts import counted, parts_lines
from console.ui.lines import Line, Pen, heading, meter, words
from console.ui.paint import fit

_METER, _REST = (4, 24), 68  # cells of the bar, and of what stands behind it


def detail_lines(row: JobRow, pen: Pen) -> list[Line]:
    """The whole block; it scrolls where there are many nodes."""
    if row.planned is not None:
        return _of_planned(row, pen)
    lines = [_head(row, pen), amount_line(row, pen)]
    if row.message:
        lines += words(pen, row.message, pen.inks.warn if row.bad else pen.inks.text, 1)[:3]
    if row.parts:
        lines += [[(f" {counted(row.parts)}", pen.inks.dim)], *parts_lines(row, pen)]
    return lines


def _head(row: JobRow, pen: Pen) -> Line:
    title = f"{row.name}" + (f" on {row.node}" if row.node else "")
    state = one_line(row.state, 40)
    held = when(row)
    return heading(pen, title, f"{state}, {held}" if held else state)


def amount_line(row: JobRow, pen: Pen) -> Line:
    """`━━━━━━╌╌ 62 %  1.2 GB of 1.9 GB  84 MB/s  9 s left`"""
    here, inks = row.amount, pen.inks
    line: Line = [(f" {pen.glyphs.worker(row.sign)} ", state_ink(row, inks))]
    if here.share is None:
        line.append((one_line(row.state, 40), state_ink(row, inks)))
    else:
        tint = state_ink(row, inks)
        line += [
            *meter(pen, here.share, max(_METER[0], min(_METER[1], pen.width - _REST)), tint),
            (f" {percent(100 * here.share)}", tint),
        ]
    for said, ink in _figures(here, pen.inks.text, pen.inks.good):
        line.append((f"  {said}", ink))
    return line


def _figures(here: Amount, plain: Style, good: Style) -> list[tuple[str, Style]]:
    found = []
    if here.nodes:
        found.append((f"{here.nodes_done} of {here.nodes} nodes", plain))
    if here.bytes is not None:
        of = "" if here.bytes_total is None else f" of {size(here.bytes_total)}"
        found.append((f"{size(here.bytes)}{of}", plain))
    if here.rate is not None:
        found.append((rate(here.rate), good))
    if here.eta_s is not None:
        found.append((f"{age(here.eta_s)} left", plain))
    return found


def _of_planned(row: JobRow, pen: Pen) -> list[Line]:
    inks, planned = pen.inks, row.planned
    assert planned is not None
    lines = [heading(pen, row.name, when(row))]
    said = "starts by itself" if not planned.note else "does not start by itself"
    lines.append([(f" {planned.kind}  ", inks.text), (f"{said}, cron {fit(planned.schedule, min(40, len(planned.schedule)))}", inks.dim)])  # fmt: skip
    if planned.note:
        lines += words(pen, planned.note, inks.warn, 1)
    lines.append([(" Enter", inks.key), (" shows its plan, and starts it now", inks.dim)])
    return lines
