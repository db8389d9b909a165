"""The console on the demo fleet, for tests: its runtime lives and dies with the app."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from console.demo import demo_runtime
from console.fleet.model import Node
from console.ui import app as app_module
from console.ui.app import QuarterdeckApp
from console.ui.modals.dialog import Dialog
from console.ui.widgets.sheet import Sheet
from console.ui.widgets.table import Table

DEADLINE_S = 20.0
_UNREACHED = {
    "vast-3": "attention",
    "vast-4": "attention",
    "lambda-4": "attention",
    "vast-5": "down",
}


class DemoConsole(QuarterdeckApp):
    """Opens its runtime before the first screen. Time stands still unless `frozen` is false."""

    CSS_PATH = Path(app_module.__file__).with_name("console.tcss")

    def __init__(
        self, nodes: int = 24, *, frozen: bool = True, read_only: bool = False, **wishes: Any
    ) -> None:
        runtime = demo_runtime(nodes, frozen=frozen, read_only=read_only)
        super().__init__(runtime, note="demo", **wishes)

    async def on_load(self) -> None:
        await self.runtime.__aenter__()

    async def on_unmount(self) -> None:
        await self.runtime.__aexit__(None, None, None)


async def until(pilot: Pilot[Any], holds: Callable[[], object], what: str) -> None:
    """Waits until `holds()` is true, or fails naming `what`."""
    waited = 0.0
    while not holds():
        assert waited < DEADLINE_S, f"waited {DEADLINE_S:.0f} s for {what}"
        await pilot.pause(0.05)
        waited += 0.05
    await pilot.pause()


async def settled(pilot: Pilot[Any]) -> None:
    """Every link of the demo is made, refused or waiting."""
    nodes = pilot.app.runtime.store.nodes  # type: ignore[attr-defined]
    await until(
        pilot, lambda: all(_is_settled(node) for node in nodes.values()), "the demo's links"
    )


def _is_settled(node: Node) -> bool:
    wanted = _UNREACHED.get(node.name)
    if wanted is not None:
        return node.state == wanted
    return node.state in ("up", "stale") and node.sample is not None


async def open_node(pilot: Pilot[Any], name: str, tab: int = 0) -> None:
    """Opens the Node screen at a tab, and waits for its full figures."""
    app: Any = pilot.app
    await settled(pilot)
    app.open_node(name)
    await until(pilot, lambda: type(app.screen).__name__ == "NodeScreen", "the Node screen")
    node = app.runtime.store.nodes
    await until(
        pilot,
        lambda: node[name].sample is None or node[name].sample.host.core_percents,
        "figures in full",
    )
    for _ in range(tab):
        await pilot.press("right_square_bracket")
    if tab == 1:
        await until(pilot, lambda: table(pilot).current, "the processes")
    await shown(pilot)


async def shown(pilot: Pilot[Any]) -> None:
    """What is known now is on the screen."""
    await pilot.pause()
    pilot.app.show_changes()  # type: ignore[attr-defined]
    await pilot.pause()


def screen_text(pilot: Pilot[Any]) -> str:
    """What a person reads now, line by line."""
    screen = pilot.app.screen
    width, height = pilot.app.size
    strips = screen._compositor.render_strips()
    return "\n".join(strip.text[:width] for strip in strips[:height])


def table(pilot: Pilot[Any], selector: str = "Table") -> Table:
    """The table in sight."""
    tables = [t for t in pilot.app.screen.query(selector).results(Table) if t.is_on_screen]
    return tables[0]


def dialog(pilot: Pilot[Any]) -> Dialog[Any]:
    assert isinstance(pilot.app.screen, Dialog), f"no dialog but {pilot.app.screen}"
    return pilot.app.screen


def sheet_text(sheet: Sheet) -> str:
    return "\n".join("".join(text for text, _ in line) for line in sheet.lines)
