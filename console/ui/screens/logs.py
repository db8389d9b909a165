"""The Logs screen: any set of workers merged by time, followed, searched, and jumped through by its errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from console.fleet.workers import WorkerView
from console.ui.keys import key
from console.ui.logs.feed import LogSource
from console.ui.logs.pane import LogPane
from console.ui.modals.log_sources import LogSources
from console.ui.screens.base import FleetAwareScreen

if TYPE_CHECKING:
    from console.fleet.store import FleetStore


class LogsScreen(FleetAwareScreen):
    """The keys of a node and of a worker act on the one whose line the cursor stands on."""

    name_of_screen = "Logs"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("l", "choose_logs", "logs of", "whose logs: choose one worker or several", show=True),
    ]

    def __init__(self, sources: Sequence[tuple[str, str]] = ()) -> None:
        """`sources`: (node, run id) of each worker. Without any, those of last time, or a dialog asks."""
        super().__init__()
        self._wanted = tuple(sources)

    def compose_body(self) -> ComposeResult:
        yield LogPane()

    @property
    def pane(self) -> LogPane:
        return self.query_one(LogPane)

    async def on_mount(self) -> None:
        self.pane.view.focus()
        self.pane.view.empty = "no log is followed: l chooses workers, o opens a file of a node"
        chosen = sources_of(self.store, self._wanted) or self.console_app.followed_logs
        if chosen:
            await self._follow(chosen)
        else:
            self.call_after_refresh(self.action_choose_logs)

    async def _follow(self, chosen: Sequence[LogSource]) -> None:
        self.console_app.followed_logs = tuple(chosen)
        await self.pane.follow(chosen)
        self.refresh_bindings()

    def action_choose_logs(self) -> None:
        following = self.pane.following
        self.app.push_screen(LogSources(following.sources if following else ()), self._chosen)

    def _chosen(self, sources: tuple[LogSource, ...] | None) -> None:
        if sources:
            self.run_worker(self._follow(sources), exclusive=True)

    # ------------------------------------------------------------ hooks

    def current_node(self) -> str | None:
        source = self.pane.source if self.is_mounted else None
        return source.node if source else None

    def selected_workers(self) -> tuple[WorkerView, ...]:
        source = self.pane.source if self.is_mounted else None
        if source is None:
            return ()
        views = self.store.workers_of(source.node, earlier=True)
        return tuple(view for view in views if view.record.run_id == source.run_id)

    def on_log_pane_cursor_moved(self, message: LogPane.CursorMoved) -> None:
        self.refresh_bindings()

    def text_to_copy(self) -> str:
        return self.pane.text_to_copy()

    def step_back(self) -> bool:
        return self.pane.step_back()


def sources_of(store: FleetStore, wanted: Sequence[tuple[str, str]]) -> tuple[LogSource, ...]:
    """The runs with their names, as far as they are known."""
    names = {view.key: view.name for view in store.workers(earlier=True)}
    return tuple(LogSource(*one, name=names.get(one, "")) for one in wanted)
