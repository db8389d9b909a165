"""The Node screen: one machine in full, in tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from console.ui.filter_words import FilterWords
from console.ui.keys import key
from console.ui.lines import Line, Pen
from console.ui.node.disks_tab import DisksTab
from console.ui.node.logs_tab import LogsTab
from console.ui.node.processes_tab import ProcessesTab
from console.ui.node.sheet_tabs import GpusTab, OverviewTab
from console.ui.node.tab import NodeTab, TabLine
from console.ui.node.title import age_line, title
from console.ui.node.workers_tab import WorkersTab
from console.ui.paint import Inks, Piece
from console.ui.screens.base import FleetAwareScreen
from console.ui.widgets.caption import Caption

if TYPE_CHECKING:
    from console.fleet.workers import WorkerView

TABS: tuple[type[NodeTab], ...] = (
    OverviewTab,
    ProcessesTab,
    GpusTab,
    DisksTab,
    WorkersTab,
    LogsTab,
)


class NodeScreen(FleetAwareScreen):
    """While it is open the node is asked for its figures in full."""

    name_of_screen = "Node"
    DEFAULT_CSS = """
    NodeScreen #tabs { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("right_square_bracket", "tab(1)", "next tab", "the next tab", show=True),
        Binding("left_square_bracket", "tab(-1)", "previous tab", show=False, id="previous_tab",
                tooltip="the previous tab"),
        Binding("tab", "pane(1)", "next pane", show=False, tooltip="the next pane, then the next tab"),
        Binding("shift+tab", "pane(-1)", "previous pane", show=False),
    ]  # fmt: skip

    def __init__(self, node: str) -> None:
        super().__init__()
        self.node_name = node
        self._place = 0
        self._tabs = [make(node) for make in TABS]

    def compose_body(self) -> ComposeResult:
        yield Caption(self._title)
        yield TabLine([tab.title for tab in self._tabs])
        with Container(id="tabs"):
            for place, tab in enumerate(self._tabs):
                tab.display = place == self._place
                yield tab

    def on_mount(self) -> None:
        self.runtime.configure(self.node_name, "full")
        self._front()

    def on_unmount(self) -> None:
        self.runtime.configure(self.node_name, "summary")

    # ------------------------------------------------------------ facts

    def fleet_changed(self, names: frozenset[str], alerts_changed: bool) -> None:
        if self.node_name not in self.store.nodes:
            self.console_app.say(f"{self.node_name} left the fleet")
            self.dismiss()
            return
        self.query_one(Caption).refresh()
        if self.node_name in names or alerts_changed:
            self.tab.refresh_facts()

    def _title(self, inks: Inks) -> list[Piece]:
        node = self.store.nodes.get(self.node_name)
        if node is None:
            return []
        pen = Pen(self.size.width, inks, self.console_app.glyphs)
        pieces: Line = title(node, self.store.now, pen)
        old = age_line(node, self.store.now)
        return [pieces[0], pieces[1], (f"  {old}", inks.warn)] if old else pieces

    def current_node(self) -> str | None:
        return self.node_name

    def text_to_copy(self) -> str:
        return self.tab.text_to_copy()

    def step_back(self) -> bool:
        return self.tab.step_back() or super().step_back()

    def selected_workers(self) -> tuple[WorkerView, ...]:
        tab = self.tab
        return tab.selected if isinstance(tab, WorkersTab) else super().selected_workers()

    # ------------------------------------------------------------ filter

    @property
    def filter_text(self) -> str | None:
        """Processes and workers are filtered, the other tabs are not."""
        if not self.is_mounted:
            return ""
        tab = self.tab
        return tab.filter_text if isinstance(tab, (ProcessesTab, WorkersTab)) else None

    def apply_filter(self, text: str) -> None:
        """Of the tab in front."""
        tab = self.tab
        if isinstance(tab, (ProcessesTab, WorkersTab)):
            tab.apply_filter(text)

    @property
    def filter_words(self) -> FilterWords:
        return self.tab.filter_words

    # ------------------------------------------------------------ tabs

    @property
    def tab(self) -> NodeTab:
        return self._tabs[self._place]

    def show_tab(self, place: int) -> None:
        """Brings a tab to the front."""
        if place == self._place:
            return
        self.tab.hidden()
        self.tab.display = False
        self._place = place
        self._front()

    def _front(self) -> None:
        self.tab.display = True
        self.query_one(TabLine).show(self._place)
        with self.guard(f"opening the tab {self.tab.title}"):
            self.tab.shown()
        panes = self.tab.panes()
        if panes:
            panes[0].focus()
        self.refresh_bindings()

    def action_tab(self, by: int) -> None:
        self.show_tab((self._place + by) % len(self._tabs))

    def action_pane(self, by: int) -> None:
        """The next pane of the tab; past its end the next tab."""
        panes = self.tab.panes()
        here = panes.index(self.focused) if self.focused in panes else -1
        if 0 <= here + by < len(panes):
            panes[here + by].focus()
        else:
            self.action_tab(by)

    def on_tab_line_picked(self, message: TabLine.Picked) -> None:
        self.show_tab(message.place)
