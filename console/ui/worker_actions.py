"""What the keys of workers do, on whatever screen: mixed into the app. The dialogs do the asking."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.errors import QuarterdeckError
from console.fleet.workers import WorkerView
from console.ui import registry
from console.ui.actions import Actions

if TYPE_CHECKING:
    from console.runtime import Runtime

ACTS = {
    "stop_workers": "stop",
    "kill_workers": "kill",
    "restart_workers": "restart",
    "force_restart_workers": "restart_force",
    "drain_workers": "drain",
}
_OF_NODES = frozenset({"start_worker", "orphans", "run_command"})


class WorkerActions(Actions):
    """`worker_action_applies` says which of them have something to act on now."""

    runtime: Runtime

    def worker_action_applies(self, action: str) -> bool | None:
        """None for an action that is not of workers."""
        if action in _OF_NODES:
            return self._nodes_in_hand() != ()
        if action in ACTS:
            return any(_takes(view, ACTS[action]) for view in self._workers_in_hand())
        if action == "forget_workers":
            return any(view.accepts("forget") for view in self._workers_in_hand())
        if action == "start_preset":
            return True
        if action == "show_logs":
            return bool(self._workers_in_hand())
        return None

    # ------------------------------------------------------------ what they act on

    def _workers_in_hand(self) -> tuple[WorkerView, ...]:
        screen = self.fleet_screen
        return screen.selected_workers() if screen else ()

    def _nodes_in_hand(self) -> tuple[str, ...]:
        screen = self.fleet_screen
        if screen is None:
            return ()
        return screen.selected_nodes() or tuple(self.runtime.store.nodes)

    # ------------------------------------------------------------ what they do

    def show_worker(self, view: WorkerView) -> None:
        """All about one worker."""
        self.push_screen(registry.WORKER.make(view))

    def action_start_worker(self, preset: str = "") -> None:
        screen = self.fleet_screen
        self.push_screen(registry.START.make(screen.selected_nodes() if screen else (), preset))

    def action_start_preset(self, place: int) -> None:
        """Of the palette: the preset at this place of the settings."""
        presets = self.runtime.workers.presets()
        if place < len(presets):
            self.action_start_worker(presets[place].name)

    def action_stop_workers(self) -> None:
        self._ask_act("stop_workers")

    def action_kill_workers(self) -> None:
        self._ask_act("kill_workers")

    def action_restart_workers(self) -> None:
        self._ask_act("restart_workers")

    def action_force_restart_workers(self) -> None:
        self._ask_act("force_restart_workers")

    def action_drain_workers(self) -> None:
        self._ask_act("drain_workers")

    def _ask_act(self, action: str) -> None:
        act = ACTS[action]
        views = [view for view in self._workers_in_hand() if _takes(view, act)]
        if views:
            self.ask_act(views, act)

    def ask_act(self, views: Sequence[WorkerView], act: str) -> None:
        """The dialog that says what will be done to which, and does it."""
        self.push_screen(registry.ACT.make(tuple(views), act))

    def action_forget_workers(self) -> None:
        views = [view for view in self._workers_in_hand() if view.accepts("forget")]
        if views:
            self.ask_forget(views)

    def ask_forget(self, views: Sequence[WorkerView]) -> None:
        """Asks, then removes what their nodes keep of these runs."""

        def go(sure: bool | None) -> None:
            if sure:
                self.run_worker(self._forget(views), group="acts")

        self.push_screen(registry.FORGET.make(tuple(views)), go)

    async def _forget(self, views: Sequence[WorkerView]) -> None:
        found = await asyncio.gather(
            *(self.runtime.workers.forget(view.key) for view in views), return_exceptions=True
        )
        failed = [str(one) for one in found if isinstance(one, QuarterdeckError)]
        done = len(views) - len(failed)
        if done:
            self.say(f"{done} run{'s'[: done != 1]} forgotten")
        if failed:
            self.say(f"{len(failed)} not forgotten: {failed[0]}", bad=True)

    def action_orphans(self) -> None:
        self.push_screen(registry.ORPHANS.make(self._nodes_in_hand()))

    def action_run_command(self) -> None:
        self.push_screen(registry.COMMAND.make(self._nodes_in_hand()))

    def action_show_logs(self) -> None:
        """Of the selection; of the marked, merged by time."""
        views = self._workers_in_hand()
        if views:
            self.open_logs(views)

    def open_logs(self, views: Sequence[WorkerView]) -> None:
        """The Logs screen with these workers as its sources."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.push_screen(
            registry.LOGS.make(tuple((view.node, view.record.run_id) for view in views))
        )


def _takes(view: WorkerView, act: str) -> bool:
    """A worker that cannot drain is offered a stop instead. A job is cancelled and retried on its own screen."""
    if view.record.kind == "job":
        return False
    if act == "drain":
        return view.live and view.record.state != "stopping"
    return view.accepts(act)
