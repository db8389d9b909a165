"""The Logs tab: all workers of the node, merged by time."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widget import Widget

from console.ui.logs.feed import LogSource
from console.ui.logs.pane import LogPane
from console.ui.node.tab import NodeTab


class LogsTab(NodeTab):
    """Follows while it is in front. Without a live worker, the last run of each."""

    title = "Logs"

    def compose(self) -> ComposeResult:
        yield LogPane()

    @property
    def pane(self) -> LogPane:
        return self.query_one(LogPane)

    def shown(self) -> None:
        self.pane.view.empty = "no worker has run here: S starts one, o opens a file of this node"
        self.run_worker(self.pane.follow(self._sources()), group="logs", exclusive=True)

    def hidden(self) -> None:
        self.run_worker(self.pane.leave(), group="logs", exclusive=True)

    def _sources(self) -> list[LogSource]:
        views = self.console_app.runtime.store.workers_of(self.node_name)
        chosen = [view for view in views if view.live] or list(views)
        return [LogSource(*view.key, name=view.name) for view in chosen]

    def text_to_copy(self) -> str:
        return self.pane.text_to_copy()

    def step_back(self) -> bool:
        return self.pane.step_back()

    def panes(self) -> list[Widget]:
        return [self.pane.view]
