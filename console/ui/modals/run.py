"""All about one run, asked for again and again: what the dialogs of a worker and of a job share."""

from __future__ import annotations

import asyncio

from console.errors import QuarterdeckError
from console.fleet.workers import WorkerView
from console.ui.lines import Line, Pen, words
from console.ui.modals.dialog import Dialog
from workers.protocol import WorkerDetails

EVERY_S = 2.0
POINTS = 120  # of each metric


class RunModal(Dialog[None]):
    """Asks the node again every EVERY_S while it is open; leaves when the run is forgotten."""

    points = POINTS

    def __init__(self, view: WorkerView) -> None:
        super().__init__()
        self._view = view
        self._details: WorkerDetails | None = None
        self._failure = ""

    def on_mount(self) -> None:
        self.show_keys(*self._keys_now())
        self.run_worker(self._keep_asking(), exclusive=True)
        self.set_interval(0.5, self._look)

    async def _keep_asking(self) -> None:
        while True:
            try:
                found = await self.runtime.workers.describe(self._view.key, self.points)
                self._details, self._failure = found, ""
            except QuarterdeckError as error:
                self._failure = str(error)
            if self.is_attached:
                self.redraw()
            await asyncio.sleep(EVERY_S)

    def _look(self) -> None:
        node = self._view.node
        views = self.runtime.store.workers_of(node, earlier=True)
        fresh = next((view for view in views if view.key == self._view.key), None)
        if fresh is None:
            self.console_app.say(f"{self._view.name} on {node} is not kept there any more")
            self.dismiss(None)
            return
        before = self._state_now()
        self._take(fresh)
        if self._state_now() != before:
            self.show_keys(*self._keys_now())
        self.redraw()

    def lines(self, pen: Pen) -> list[Line]:
        lines = self._sheet(pen)
        if self._failure:
            lines += [[], *words(pen, self._failure, pen.inks.bad, 1)]
        elif self._details is None:
            lines += [[], [(" asking the node for more…", pen.inks.dim)]]
        return lines

    def action_logs(self) -> None:
        self.dismiss(None)
        self.console_app.open_logs([self._view])

    # ------------------------------------------------------------ what each kind says

    def _take(self, fresh: WorkerView) -> None:
        self._view = fresh

    def _state_now(self) -> str:
        """The keys follow it."""
        return self._view.record.state

    def _sheet(self, pen: Pen) -> list[Line]:
        raise NotImplementedError

    def _keys_now(self) -> list[tuple[str, str]]:
        """Those that do something to a run in this state."""
        raise NotImplementedError
