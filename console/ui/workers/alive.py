"""What is alive of workers right now: their process trees, asked for again and again while a dialog is open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from console.errors import QuarterdeckError

if TYPE_CHECKING:
    from console.fleet.workers import WorkerView
    from console.operations.workers import WorkerOperations

EVERY_S = 1.0
MOST = 12  # workers that are asked; nobody reads the trees of more

Key = tuple[str, str]  # (node, run id)


class Alive:
    """The newest answer of each worker by its key: its tree, and its stop signal as the preset names it."""

    def __init__(self) -> None:
        self.processes: dict[Key, tuple[str, ...]] = {}
        self.stop_signals: dict[Key, str] = {}

    async def keep_asking(
        self,
        workers: WorkerOperations,
        views: Callable[[], Sequence[WorkerView]],
        changed: Callable[[], object],
    ) -> None:
        """Until it is cancelled. What does not answer keeps its last answer."""
        while True:
            live = [view.key for view in views() if view.live and view.reachable][:MOST]
            await asyncio.gather(*(self._ask(workers, key) for key in live))
            changed()
            await asyncio.sleep(EVERY_S)

    async def _ask(self, workers: WorkerOperations, key: Key) -> None:
        try:
            details = await workers.describe(key, 0)
        except QuarterdeckError:
            return
        self.processes[key] = details.processes
        self.stop_signals[key] = details.spec.stop_signal
