"""All about one run of a job, asked for again and again, and the keys that act on it."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.errors import QuarterdeckError
from console.fleet.jobs import JobRow, job_rows
from console.fleet.workers import WorkerView
from console.ui.jobs.job_sheet import job_lines
from console.ui.lines import Line, Pen, words
from console.ui.modals.dialog import Dialog
from workers.protocol import WorkerDetails

EVERY_S = 2.0


class JobModal(Dialog[None]):
    """Asks the node again every EVERY_S while it is open; leaves when the run is forgotten."""

    DEFAULT_CSS = "JobModal > #box { width: 130; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "logs", "Logs", show=False),
        Binding("x", "cancel", "Cancel", show=False),
        Binding("r", "retry", "Retry", show=False),
        Binding("F", "forget", "Forget", show=False),
    ]

    def __init__(self, view: WorkerView) -> None:
        super().__init__()
        self._row: JobRow = job_rows([view])[0]
        self._details: WorkerDetails | None = None
        self._failure = ""
        kind = "" if self._row.kind == view.name else f"{self._row.kind}: "
        self.title_text = f"{kind}{view.name} on {view.node}"

    def on_mount(self) -> None:
        self.show_keys(*self._keys_now())
        self.run_worker(self._keep_asking(), exclusive=True)
        self.set_interval(0.5, self._look)

    @property
    def _view(self) -> WorkerView:
        assert self._row.view is not None
        return self._row.view

    async def _keep_asking(self) -> None:
        while True:
            try:
                self._details = await self.runtime.workers.describe(self._view.key, 0)
                self._failure = ""
            except QuarterdeckError as error:
                self._failure = str(error)
            if self.is_attached:
                self.redraw()
            await asyncio.sleep(EVERY_S)

    def _look(self) -> None:
        node, key = self._view.node, self._view.key
        views = self.runtime.store.workers_of(node, earlier=True)
        fresh = next((view for view in views if view.key == key), None)
        if fresh is None:
            self.console_app.say(f"{self._row.name} on {node} is not kept there any more")
            self.dismiss(None)
            return
        before, self._row = self._row, job_rows([fresh])[0]
        if before.state != self._row.state:
            self.show_keys(*self._keys_now())
        self.redraw()

    def lines(self, pen: Pen) -> list[Line]:
        lines = job_lines(self._row, self._details, pen)
        if self._failure:
            lines += [[], *words(pen, self._failure, pen.inks.bad, 1)]
        elif self._details is None:
            lines += [[], [(" asking the node for more…", pen.inks.dim)]]
        return lines

    # ------------------------------------------------------------ keys

    def _keys_now(self) -> list[tuple[str, str]]:
        """Those that do something to a run in this state."""
        keys = [("l", "logs")]
        if not self.console_app.read_only:
            keys += [("x", "cancel")] if self._row.can_cancel else []
            keys += [("r", "retry the failed")] if self._row.can_retry else []
            keys += [] if self._row.live else [("F", "forget")]
        return [*keys, ("j k", "scroll"), ("Esc", "leaves")]

    def action_logs(self) -> None:
        self.dismiss(None)
        self.console_app.open_logs([self._view])

    def action_cancel(self) -> None:
        if self.console_app.read_only:
            return
        if self._row.can_cancel:
            self.console_app.ask_cancel(self._row)
        else:
            self.complain(f"it is over: {self._row.state}")

    def action_retry(self) -> None:
        if self.console_app.read_only:
            return
        if self._row.can_retry:
            self.console_app.retry_job(self._row)
        else:
            self.complain("it runs" if self._row.live else "all of it is done")

    def action_forget(self) -> None:
        if self.console_app.read_only:
            return
        if self._row.live:
            self.complain("it runs: a job is forgotten when it is over")
        else:
            self.console_app.ask_forget([self._view])
