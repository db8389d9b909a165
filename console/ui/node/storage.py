"""Disks and datasets of a node in lines."""

from __future__ import annotations

from console.fleet.history import DAY_S, HOUR_S, NodeHistory
from console.fleet.model import Node
from console.fleet.survey.data import newest_age_s
from console.fleet.survey.disk import used_percent
from console.formatting import MISSING, age, count, percent, size
from console.ui.lines import Line, Pen, heading, meter
from console.ui.paint import fit
from workers.protocol import DatasetCount, Disk


def fills(disk: Disk, history: NodeHistory) -> str:
    """`full in 9 h`, `full`, or nothing where it does not fill."""
    if disk.available_bytes == 0:
        return "full"
    left = history.disk_full_in_s(disk.path)
    return "" if left is None or left > 365 * DAY_S else f"full in {age(left)}"


def disk_lines(disks: tuple[Disk, ...], history: NodeHistory, pen: Pen) -> list[Line]:
    """One line a disk: bar, percent, figures, when it is full."""
    inks = pen.inks
    lines = [heading(pen, "Disks")]
    for disk in disks:
        name: Line = [(" " + fit(disk.path, 13) + " ", inks.strong)]
        if disk.fault:
            lines.append([*name, (fit(disk.fault, max(4, pen.width - 16)), inks.bad)])
            continue
        share = used_percent(disk)
        fraction = None if share is None else share / 100
        tint = inks.level(share or 0.0)
        when = fills(disk, history)
        wide = max(4, min(30, pen.width - 59))
        lines.append([
            *name, *meter(pen, fraction, wide, tint), (f" {percent(share):>5} ", tint),
            (f"{size(disk.used_bytes):>8} of {size(disk.total_bytes):<8}", inks.text),
            (fit(f"  {when}", 17), inks.bad if when == "full" else inks.warn),
            (" read-only" if disk.read_only else "", inks.warn),
        ])  # fmt: skip
    return lines if disks else [*lines, [(" none watched", inks.dim)]]


def dataset_lines(node: Node, history: NodeHistory, now: float, pen: Pen) -> list[Line]:
    """One line a dataset: records, rate, newest age, bytes."""
    lines, counts = [heading(pen, "Data")], node.counts
    if not counts:
        said = (
            "not counted yet" if node.datasets is None else "no dataset is configured for this node"
        )
        return [*lines, [(f" {said}", pen.inks.dim)]]
    return lines + [
        _dataset(entry, newest_age_s(node, entry, now), history, pen) for entry in counts
    ]


def per_hour(value: float | None) -> str:
    """`+1,204/h`, right-aligned in 10 characters by the caller."""
    return MISSING if value is None else f"+{count(value)}/h"


def per_day(rate: float | None) -> str:
    """Records an hour over a day, said as records a day."""
    return MISSING if rate is None else f"+{count(rate * 24)}/d"


def _dataset(entry: DatasetCount, newest_s: float | None, history: NodeHistory, pen: Pen) -> Line:
    inks = pen.inks
    line: Line = [(" " + fit(entry.name, 13) + " ", inks.strong)]
    if entry.records is None:
        return [*line, (fit(entry.reason or "not counted yet", max(4, pen.width - 16)), inks.dim)]
    rate = history.dataset_rate(entry.name, HOUR_S)
    line += [
        (f"{count(entry.records):>11} ", inks.text),
        (f"{per_hour(rate):>10} ", inks.good if rate else inks.dim),
        (f"newest {age(newest_s):>6}  ", inks.dim),
        (f"{size(entry.bytes):>7}", inks.dim),
    ]
    if entry.unreadable_files:
        line.append((f"  {pen.glyphs.alert} {entry.unreadable_files} unreadable", inks.warn))
    return line
