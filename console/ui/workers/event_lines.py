"""What happened to a run, in lines: for the sheets of workers and of jobs."""

from __future__ import annotations

from datetime import datetime

from console.formatting import MISSING
from console.ui.lines import Line, Pen, heading, words
from workers.protocol import WorkerDetails

MOST = 40  # events


def event_lines(details: WorkerDetails, pen: Pen) -> list[Line]:
    """The newest first."""
    lines: list[Line] = [[], heading(pen, "What happened", str(len(details.events)))]
    for event in reversed(details.events[-MOST:]):
        first, *rest = words(pen, event.text, pen.inks.text, 17)
        lines += [[(f" {_moment(event.clock)}  ", pen.inks.dim), *first[1:]], *rest]
    return lines


def _moment(clock: float) -> str:
    try:
        return datetime.fromtimestamp(clock).strftime("%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{MISSING:^14}"
