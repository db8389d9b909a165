"""Disks of a node: what fills one, on request."""

from __future__ import annotations

from console.operations.acts import Acts
from workers.protocol import DiskExplanation, ExplainDisk

_GRACE_S = 10.0


class DiskOperations:
    def __init__(self, acts: Acts) -> None:
        self._acts = acts

    async def explain(self, node: str, path: str, budget_s: float = 5.0) -> DiskExplanation:
        """The largest folders on the file system of `path`, found within `budget_s` seconds.

        Raises RequestFailed, RequestLost, UsageError.
        """
        async with self._acts.action(node, "disks.explain", [path], changes=False) as act:
            found: DiskExplanation = await self._acts.ask(
                node, ExplainDisk(path, budget_s), budget_s + _GRACE_S
            )
            act.result = f"{found.files} files" + ("" if found.complete else ", not complete")
        return found
