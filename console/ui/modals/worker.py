"""All about one worker, asked for again and again, and the keys that act on it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from console.fleet.workers import WorkerView
from console.ui.lines import Line, Pen
from console.ui.modals.run import RunModal
from console.ui.workers.worker_sheet import worker_lines


class WorkerModal(RunModal):
    """One worker: stop, restart, drain, forget."""

    DEFAULT_CSS = "WorkerModal > #box { width: 120; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "logs", "Logs", show=False),
        Binding("x", "act('stop')", "Stop", show=False),
        Binding("X", "act('kill')", "Kill", show=False),
        Binding("r", "act('restart')", "Restart", show=False),
        Binding("R", "act('restart_force')", "Restart by force", show=False),
        Binding("D", "act('drain')", "Drain", show=False),
        Binding("F", "forget", "Forget", show=False),
    ]

    def __init__(self, view: WorkerView) -> None:
        super().__init__(view)
        self.title_text = f"{view.record.name} on {view.node}"

    def _sheet(self, pen: Pen) -> list[Line]:
        return worker_lines(self._view, self._details, pen)

    # ------------------------------------------------------------ keys

    def _keys_now(self) -> list[tuple[str, str]]:
        keys = [("l", "logs")]
        view = self._view
        if not self.console_app.read_only:
            if view.live:
                keys += [("x X", "stop, kill"), ("r R", "restart, by force")]
                keys += [("D", "drain")] if view.accepts("drain") else []
            else:
                keys += [("r", "start again"), ("F", "forget")]
        return [*keys, ("Esc", "leaves")]

    def action_act(self, act: str) -> None:
        if self.console_app.read_only:
            return
        if self._view.accepts(act) or (act == "drain" and self._view.live):
            self.console_app.ask_act([self._view], act)
        else:
            self.complain(f"it is {self._view.record.state}")

    def action_forget(self) -> None:
        if self.console_app.read_only:
            return
        if self._view.live:
            self.complain("it lives: a run is forgotten when it is over")
        else:
            self.console_app.ask_forget([self._view])
