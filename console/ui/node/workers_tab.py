"""The Workers tab: the workers of this node, with the same keys as the Workers screen."""

from __future__ import annotations

from textual.app import ComposeResult

from console.fleet.workers import WorkerView
from console.ui.filter_words import WORKERS
from console.ui.node.tab import NodeTab
from console.ui.workers.worker_list import WorkerList


class WorkersTab(NodeTab):
    title = "Workers"
    filter_words = WORKERS

    def compose(self) -> ComposeResult:
        yield WorkerList(self.node_name)

    @property
    def list(self) -> WorkerList:
        return self.query_one(WorkerList)

    @property
    def filter_text(self) -> str:
        return self.list.filter_text if self.is_mounted else ""

    @property
    def selected(self) -> tuple[WorkerView, ...]:
        return self.list.selected

    def refresh_facts(self) -> None:
        self.list.show_now()

    def shown(self) -> None:
        if self.is_mounted:
            self.list.show_now()

    def apply_filter(self, text: str) -> None:
        """Raises ValueError for a filter that cannot be understood."""
        self.list.apply_filter(text)

    def text_to_copy(self) -> str:
        return "\n".join(f"{view.record.name} {view.record.run_id}" for view in self.selected)

    def step_back(self) -> bool:
        return self.list.step_back()
