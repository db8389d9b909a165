"""The workers of a node in a few lines: copies told together, what is wrong first."""

from __future__ import annotations

from collections.abc import Sequence

from console.fleet.workers.groups import WorkerGroup, groups
from console.fleet.workers.view import WorkerView
from console.formatting import age
from console.ui.lines import Line, Pen, heading
from console.ui.paint import fit
from console.ui.widgets.pane_workers import group_line

_MOST = 6


def worker_lines(views: Sequence[WorkerView], pen: Pen) -> list[Line]:
    """One line a group, with the last words of its first; nothing for a node that never had any."""
    if not views:
        return []
    told = groups(views)
    unseen = next((view for view in views if not view.reachable), None)
    note = f"as last seen {age(unseen.age_s)} ago" if unseen else ""
    lines = [heading(pen, "Workers", note)]
    lines += [_line(group, pen) for group in told[:_MOST]]
    if len(told) > _MOST:
        lines.append([(f" and {len(told) - _MOST} more: see the Workers tab", pen.inks.dim)])
    over = sum(not view.live for view in views)
    return lines if told else [*lines, [(f" none alive, {over} over", pen.inks.dim)]]


def _line(group: WorkerGroup, pen: Pen) -> Line:
    first = group.views[0]
    said = first.reason or first.record.last_line
    line: Line = [(" ", pen.inks.text), *group_line(group, pen)]
    room = pen.width - sum(len(text) for text, _ in line) - 3
    return [*line, ("   ", pen.inks.text), (fit(said, room), pen.inks.dim)] if room > 12 else line
