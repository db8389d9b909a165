"""The lists inside a pane, data counts and processes: in one line or one a line."""

from __future__ import annotations

from console import formatting
from console.ui.lines import Line, Pen, length
from console.ui.node_view import DataCount, NodeView
from console.ui.paint import Piece, fit
from console.ui.widgets.pane_lines import Lines
from workers.protocol import Process


def data(view: NodeView, pen: Pen, height: int) -> Lines:
    """Counts with their rates: one a line, or as many as fit into the last."""
    if height == 1 and (len(view.data) > 1 or pen.width < 64):
        return [flow([_count(count, pen) for count in view.data], pen)]
    shown = [
        _count_line(count, pen)
        for count in view.data[: height if len(view.data) <= height else height - 1]
    ]
    if len(view.data) > height:
        shown.append(flow([_count(count, pen) for count in view.data[height - 1 :]], pen))
    return shown


def top(view: NodeView, pen: Pen, height: int) -> Lines:
    """The busiest processes: in one line, or one a line."""
    if height == 1:
        return [flow([_process(process, pen) for process in view.processes[:4]], pen)]
    return [_process_line(process, pen) for process in view.processes[:height]]


def _count(count: DataCount, pen: Pen) -> list[Piece]:
    name = fit(count.name, min(16, len(count.name)))
    if count.records is None:
        return [
            (f"{name} ", pen.inks.dim),
            (fit(count.reason or "counting", 18).rstrip(), pen.inks.warn),
        ]
    pieces: list[Piece] = [
        (f"{name} ", pen.inks.dim),
        (formatting.count(count.records), pen.inks.text),
    ]
    if count.per_hour is not None:
        style = pen.inks.good if count.per_hour > 0 else pen.inks.faint
        pieces.append((f" +{_hourly(count.per_hour)}", style))
    return pieces


def _count_line(count: DataCount, pen: Pen) -> Line:
    """Name, records, rate and, with room, how old the newest file is: near each other to be read in one go."""
    name = 16 if pen.width < 64 else 22
    head: Piece = (fit(count.name, name), pen.inks.dim)
    if count.records is None:
        reason = count.reason or "counting"
        return [head, (fit(reason, pen.width - name, right=True), pen.inks.warn)]
    per_hour = "" if count.per_hour is None else f"+{_hourly(count.per_hour)}"
    style = pen.inks.good if count.per_hour else pen.inks.faint
    records: Piece = (formatting.count(count.records).rjust(12), pen.inks.text)
    line: Line = [head, records, (per_hour.rjust(12 if pen.width >= 64 else 10), style)]
    if pen.width >= 64 and count.newest_age_s is not None:
        line.append((f"   newest {formatting.age(count.newest_age_s)} ago", pen.inks.faint))
    return line


def _hourly(value: float) -> str:
    return f"{formatting.count(value) if value < 100_000 else formatting.short_count(value)}/h"


def _process(process: Process, pen: Pen) -> list[Piece]:
    busy = formatting.percent(process.cpu_percent)
    name = fit(process.name, min(16, max(1, len(process.name)))).rstrip()
    return [
        (name, pen.inks.dim),
        (f" {busy} {formatting.memory(process.memory_bytes)}", pen.inks.text),
    ]


def _process_line(process: Process, pen: Pen) -> list[Piece]:
    tail: list[Piece] = [
        (formatting.percent(process.cpu_percent).rjust(7), pen.inks.text),
        (formatting.memory(process.memory_bytes).rjust(10), pen.inks.text),
    ]
    if pen.width >= 56:
        gpu = (
            "" if process.gpu_memory_bytes is None else formatting.memory(process.gpu_memory_bytes)
        )
        tail.append((gpu.rjust(10), pen.inks.second))
        tail.insert(0, (fit(process.user, 8), pen.inks.faint))
    room = max(0, pen.width - length(tail) - 1)
    shown = process.command if room > 30 else process.name
    return [(fit(shown, room) + " ", pen.inks.dim), *tail]


def flow(items: list[list[Piece]], pen: Pen) -> list[Piece]:
    """As many whole items as fit, divided by a dot; `+2` for those that do not."""
    apart: Piece = (f" {pen.glyphs.middot} ", pen.inks.faint)
    line: list[Piece] = []
    used = 0
    for index, item in enumerate(items):
        taken = length(item) + (len(apart[0]) if line else 0)
        left = len(items) - index - 1
        if used + taken + (4 if left else 0) > pen.width and line:
            line.append((f" +{left + 1}", pen.inks.faint))
            break
        line += [apart, *item] if line else item
        used += taken
    return line
