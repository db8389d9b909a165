"""What one worker did lately: bounded rings for sparklines."""

from __future__ import annotations

from array import array
from math import isnan, nan

POINTS = 120
STEP_S = 5.0
_COLUMNS = 5  # at, done, per minute, CPU percent, memory bytes


class WorkerHistory:
    """Readings at most every STEP_S, POINTS of them at most. ``None`` is kept as not available."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows = array("d")

    def add(
        self,
        at: float,
        done: float | None,
        per_minute: float | None,
        cpu_percent: float | None,
        memory_bytes: float | None,
    ) -> None:
        """Takes a reading in; one that comes sooner than STEP_S after the last is left out."""
        rows = self._rows
        if rows and at - rows[-_COLUMNS] < STEP_S:
            return
        rows.append(at)
        rows.extend(nan if v is None else v for v in (done, per_minute, cpu_percent, memory_bytes))
        if len(rows) > POINTS * _COLUMNS:
            del rows[: len(rows) - POINTS * _COLUMNS]

    @property
    def done(self) -> list[tuple[float, float | None]]:
        """(at, units done), the oldest first; as all of these."""
        return self._column(1)

    @property
    def per_minute(self) -> list[tuple[float, float | None]]:
        return self._column(2)

    @property
    def cpu(self) -> list[tuple[float, float | None]]:
        """Percent of one core, the whole tree."""
        return self._column(3)

    @property
    def memory(self) -> list[tuple[float, float | None]]:
        """Bytes, the whole tree."""
        return self._column(4)

    def _column(self, column: int) -> list[tuple[float, float | None]]:
        rows = self._rows
        return [
            (rows[i], None if isnan(rows[i + column]) else rows[i + column])
            for i in range(0, len(rows), _COLUMNS)
        ]
