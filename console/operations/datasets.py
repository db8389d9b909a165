"""Datasets of a node: count them again now."""

from __future__ import annotations

from console.operations.acts import Acts
from workers.protocol import CountNow, DatasetReport


class DatasetOperations:
    def __init__(self, acts: Acts) -> None:
        self._acts = acts

    async def recount(self, node: str, timeout_s: float = 60.0) -> DatasetReport:
        """The counts of all datasets, made now. Raises RequestFailed, RequestLost, UsageError."""
        async with self._acts.action(node, "datasets.recount", [], changes=False) as act:
            report: DatasetReport = await self._acts.ask(node, CountNow(), timeout_s)
            act.result = f"{len(report.counts)} datasets"
        return report
