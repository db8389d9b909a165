"""All about one run of a job, asked for again and again, and the keys that act on it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from console.fleet.jobs import JobRow, job_rows
from console.fleet.workers import WorkerView
from console.ui.jobs.job_sheet import job_lines
from console.ui.lines import Line, Pen
from console.ui.modals.run import RunModal


class JobModal(RunModal):
    """One run of a job: cancel, do again what failed, forget."""

    points = 0
    DEFAULT_CSS = "JobModal > #box { width: 130; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "logs", "Logs", show=False),
        Binding("x", "cancel", "Cancel", show=False),
        Binding("r", "retry", "Retry", show=False),
        Binding("F", "forget", "Forget", show=False),
    ]

    def __init__(self, view: WorkerView) -> None:
        super().__init__(view)
        self._row: JobRow = job_rows([view])[0]
        kind = "" if self._row.kind == view.name else f"{self._row.kind}: "
        self.title_text = f"{kind}{view.name} on {view.node}"

    def _take(self, fresh: WorkerView) -> None:
        super()._take(fresh)
        self._row = job_rows([fresh])[0]

    def _state_now(self) -> str:
        return self._row.state

    def _sheet(self, pen: Pen) -> list[Line]:
        return job_lines(self._row, self._details, pen)

    # ------------------------------------------------------------ keys

    def _keys_now(self) -> list[tuple[str, str]]:
        keys = [("l", "logs")]
        if not self.console_app.read_only:
            keys += [("x", "cancel")] if self._row.can_cancel else []
            keys += [("r", "retry the failed")] if self._row.can_retry else []
            keys += [] if self._row.live else [("F", "forget")]
        return [*keys, ("j k", "scroll"), ("Esc", "leaves")]

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
