"""Asks before the schedule is started: from then on jobs begin without anybody at a console."""

from __future__ import annotations

from collections.abc import Sequence

from console.fleet.jobs import JobRow
from console.ui.jobs.columns import when
from console.ui.modals.confirm import ConfirmModal


class ScheduleModal(ConfirmModal):
    """True when the person is sure."""

    def __init__(self, node: str, rows: Sequence[JobRow]) -> None:
        """`rows`: the jobs that have a schedule."""
        planned = [row for row in rows if row.planned is not None]
        super().__init__(
            "Start the schedule",
            "starts it",
            [
                "python -m console.conduct schedule",
                "It starts each job when it is due, without an open console, and again after a start of the machine:",
                *(f"{row.name}  {row.message}, {when(row)}" for row in planned),
                "x on the Workers screen stops it.",
            ],
            [node],
        )
