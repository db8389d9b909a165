"""The Workers screen: every worker of the fleet, the worst first."""

from __future__ import annotations

from textual.app import ComposeResult

from console.fleet.workers import WorkerView
from console.fleet.workers.words import command_line
from console.ui.filter_words import WORKERS, FilterWords
from console.ui.screens.base import FleetAwareScreen
from console.ui.widgets.table import Table
from console.ui.workers.worker_list import WorkerList


class WorkersScreen(FleetAwareScreen):
    """The keys of a worker act on the marked ones, or on the one under the cursor."""

    name_of_screen = "Workers"

    def compose_body(self) -> ComposeResult:
        yield WorkerList()

    def on_mount(self) -> None:
        self.query_one(Table).focus()

    @property
    def list(self) -> WorkerList:
        return self.query_one(WorkerList)

    # ------------------------------------------------------------ hooks

    def current_node(self) -> str | None:
        view = self.list.current if self.is_mounted else None
        return view.node if view else None

    def selected_nodes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(view.node for view in self.selected_workers()))

    def selected_workers(self) -> tuple[WorkerView, ...]:
        return self.list.selected if self.is_mounted else ()

    def text_to_copy(self) -> str:
        return "\n".join(
            f"{view.record.name}@{view.node} {view.record.run_id} {command_line(view.record.command)}"
            for view in self.selected_workers()
        )

    @property
    def filter_text(self) -> str | None:
        return self.list.filter_text if self.is_mounted else ""

    def apply_filter(self, text: str) -> None:
        self.list.apply_filter(text)

    @property
    def filter_words(self) -> FilterWords:
        return WORKERS

    def step_back(self) -> bool:
        return self.list.step_back()
