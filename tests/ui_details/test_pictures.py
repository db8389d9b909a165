"""Pictures of the screens on the demo fleet, whose time stands still. `--snapshot-update` accepts a change."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from console.ui.modals.hosts import HostPicker
from tests.ui_details.consoles import DemoConsole, open_node, screen_text, settled, shown, until

SMALL, LARGE = (80, 24), (200, 60)
Before = Callable[[Pilot[Any]], Awaitable[None]]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of day in a picture do not depend on where it is taken."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def node(name: str, tab: int, *keys: str, shows: str = "") -> Before:
    """Opens a tab of a node, presses keys, and waits until `shows` can be read."""

    async def before(pilot: Pilot[Any]) -> None:
        await open_node(pilot, name, tab)
        await pilot.press(*keys)
        await until(pilot, lambda: shows in screen_text(pilot), shows)
        await shown(pilot)

    return before


def screen(*keys: str) -> Before:
    async def before(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await pilot.press(*keys)
        await shown(pilot)

    return before


async def compared(pilot: Pilot[Any]) -> None:
    """The Data screen, once the nodes' files were compared with the manifests."""
    await settled(pilot)
    await pilot.press("4")
    ledger = pilot.app.runtime.ledger  # type: ignore[attr-defined]
    await until(pilot, lambda: not ledger.due and not ledger.busy, "the ledger")
    await shown(pilot)


async def picker(pilot: Pilot[Any]) -> None:
    await settled(pilot)
    pilot.app.push_screen(HostPicker(["h100-a", "h100-b", "lab-gpu"]))
    await until(pilot, lambda: isinstance(pilot.app.screen, HostPicker), "the picker")
    await pilot.press("space")
    await shown(pilot)


@pytest.mark.parametrize(
    ("nodes", "size", "before"),
    [
        pytest.param(2, SMALL, node("gpu-1", 0), id="overview-small"),
        pytest.param(5, LARGE, node("gpu-4", 0), id="overview-large"),
        pytest.param(24, SMALL, node("vast-7", 1, "t", shows="├─"), id="processes-tree-small"),
        pytest.param(24, LARGE, node("cpu-1", 1, shows="mprime -t"), id="processes-large"),
        pytest.param(24, LARGE, node("vast-2", 2, shows="selfplay.worker"), id="gpus-large"),
        pytest.param(6, SMALL, node("gpu-5", 2, shows="selfplay.worker"), id="gpus-small"),
        pytest.param(4, SMALL, node("gpu-3", 3, shows="At least"), id="disks-small"),
        pytest.param(
            4, LARGE, node("gpu-3", 3, "enter", shows="du counts"), id="disk-explained-large"
        ),
        pytest.param(24, SMALL, compared, id="data-small"),
        pytest.param(24, LARGE, compared, id="data-large"),
        pytest.param(24, SMALL, screen("7"), id="alerts-small"),
        pytest.param(24, LARGE, screen("7"), id="alerts-large"),
        pytest.param(14, SMALL, node("vast-3", 0, "T"), id="trust-small"),
        pytest.param(15, SMALL, node("vast-4", 0, "T"), id="blocked-small"),
        pytest.param(2, SMALL, node("gpu-1", 1, "X", shows="kill -KILL"), id="signal-small"),
        pytest.param(2, SMALL, picker, id="picker-small"),
    ],
)
def test_picture(snap_compare: Any, nodes: int, size: tuple[int, int], before: Before) -> None:
    assert snap_compare(DemoConsole(nodes), terminal_size=size, run_before=before)


def test_picture_in_ascii(snap_compare: Any) -> None:
    app = DemoConsole(4, ascii_only=True)
    assert snap_compare(app, terminal_size=SMALL, run_before=node("gpu-3", 0))
