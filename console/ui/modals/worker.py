"""All about one worker, asked for again and again, and the keys that act on it."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.errors import QuarterdeckError
from console.fleet.workers import WorkerView
from console.ui.lines import Line, Pen, words
from console.ui.modals.dialog import Dialog
from console.ui.workers.worker_sheet import worker_lines
from workers.protocol import WorkerDetails

EVERY_S = 2.0


class WorkerModal(Dialog[None]):
    """Asks the node again every EVERY_S while it is open; leaves when the run is forgotten."""

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
        super().__init__()
        self._view = view
        self._details: WorkerDetails | None = None
        self._failure = ""
        self.title_text = f"{view.record.name} on {view.node}"

    def on_mount(self) -> None:
        self.show_keys(*self._keys_now())
        self.run_worker(self._keep_asking(), exclusive=True)
        self.set_interval(0.5, self._look)

    async def _keep_asking(self) -> None:
        while True:
            try:
                self._details = await self.runtime.workers.describe(self._view.key)
                self._failure = ""
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
        if fresh.record.state != self._view.record.state:
            self._view = fresh
            self.show_keys(*self._keys_now())
        self._view = fresh
        self.redraw()

    def lines(self, pen: Pen) -> list[Line]:
        lines = worker_lines(self._view, self._details, pen)
        if self._failure:
            lines += [[], *words(pen, self._failure, pen.inks.bad, 1)]
        elif self._details is None:
            lines += [[], [(" asking the node for more…", pen.inks.dim)]]
        return lines

    # ------------------------------------------------------------ keys

    def _keys_now(self) -> list[tuple[str, str]]:
        """Those that do something to a run in this state."""
        keys = [("l", "logs")]
        view = self._view
        if not self.console_app.read_only:
            if view.live:
                keys += [("x X", "stop, kill"), ("r R", "restart, by force")]
                keys += [("D", "drain")] if view.accepts("drain") else []
            else:
                keys += [("r", "start again"), ("F", "forget")]
        return [*keys, ("Esc", "leaves")]

    def action_logs(self) -> None:
        self.dismiss(None)
        self.console_app.open_logs([self._view])

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
