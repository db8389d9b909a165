"""The tabs that only show: Overview and GPUs."""

from __future__ import annotations

import asyncio

from textual.app import ComposeResult

from console.errors import QuarterdeckError
from console.ui.lines import Line, Pen
from console.ui.node.gpus import gpu_panels
from console.ui.node.overview import overview
from console.ui.node.tab import NodeTab
from console.ui.node.title import absence, alert_lines
from console.ui.widgets.sheet import Sheet
from workers.protocol import Process

NAMES_EVERY_S = 5.0


class SheetTab(NodeTab):
    """One sheet; without a sample it says why there is none."""

    def compose(self) -> ComposeResult:
        yield Sheet(self.lines)

    def refresh_facts(self) -> None:
        for sheet in self.query(Sheet):
            sheet.redraw()

    def shown(self) -> None:
        self.refresh_facts()

    def text_to_copy(self) -> str:
        sheet = self.query_one(Sheet)
        return "\n".join("".join(text for text, _ in line).rstrip() for line in sheet.lines)

    def lines(self, pen: Pen) -> list[Line]:
        node, store = self.node, self.console_app.runtime.store
        if node is None:
            return []
        if node.sample is None:
            alerts = alert_lines(store.alerts_of(self.node_name), store.now, pen)
            return [*absence(node, store.now, pen), [], *alerts]
        return self.facts(pen)

    def facts(self, pen: Pen) -> list[Line]:
        """Of a node that has a sample."""
        return []


class OverviewTab(SheetTab):
    title = "Overview"

    def facts(self, pen: Pen) -> list[Line]:
        node, store = self.node, self.console_app.runtime.store
        assert node is not None
        alerts, history = store.alerts_of(self.node_name), store.history(self.node_name)
        height = self.query_one(Sheet).size.height
        return overview(
            node, history, alerts, store.now, store.clock, pen, height, store.workers_of(node.name)
        )


class GpusTab(SheetTab):
    """Asks for the processes too, so that those which hold a GPU have names."""

    title = "GPUs"

    def __init__(self, node: str) -> None:
        super().__init__(node)
        self._names: dict[int, Process] = {}

    def shown(self) -> None:
        super().shown()
        self.run_worker(self._keep_asking(), exclusive=True, group="names")

    def hidden(self) -> None:
        self.workers.cancel_group(self, "names")

    async def _keep_asking(self) -> None:
        while True:  # each after the answer to the one before: a slow line gives them late
            node = self.node
            if node is not None and any(gpu.processes for gpu in node.gpu.gpus):
                await self._fetch_names()
            await asyncio.sleep(NAMES_EVERY_S)

    async def _fetch_names(self) -> None:
        try:
            found = await self.console_app.runtime.processes.list(self.node_name)
        except QuarterdeckError:
            return  # the numbers stand without names
        self._names = {process.pid: process for process in found.processes}
        self.refresh_facts()

    def facts(self, pen: Pen) -> list[Line]:
        node = self.node
        assert node is not None
        return gpu_panels(node.gpu, self._names, pen)
