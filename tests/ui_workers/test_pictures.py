"""Pictures of the Workers screen and its dialogs on the demo fleet, whose time stands still.

`--snapshot-update` accepts a change.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui_details.consoles import DemoConsole, open_node, screen_text, settled, shown, until
from tests.ui_workers.worlds import on_workers

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


def workers(*keys: str, only: str = "", shows: str = "") -> Before:
    """The Workers screen with a filter; keys are pressed, and `shows` is waited for."""

    async def before(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        listed = await on_workers(pilot)
        await until(pilot, lambda: listed.table.keys, "the workers")
        listed.apply_filter(only)
        await pilot.press(*keys)
        await until(pilot, lambda: shows in screen_text(pilot), shows)
        await shown(pilot)

    return before


def fleet(*keys: str, shows: str) -> Before:
    async def before(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await pilot.press(*keys)
        await until(pilot, lambda: shows in screen_text(pilot), shows)
        await until(pilot, lambda: "asking the nodes" not in screen_text(pilot), "their answers")
        await shown(pilot)

    return before


async def node_tab(pilot: Pilot[Any]) -> None:
    await open_node(pilot, "gpu-1", 4)
    await until(pilot, lambda: "4 workers" in screen_text(pilot), "the tab")
    await shown(pilot)


TRAIN = "worker:train node:gpu-1"
SELFPLAY = "node:gpu-1 worker:selfplay"
LIST, DETAILS = workers(), workers("enter", only=TRAIN, shows="loss/policy")


@pytest.mark.parametrize(
    ("nodes", "size", "before"),
    [
        pytest.param(24, SMALL, LIST, id="list-small"),
        pytest.param(24, LARGE, LIST, id="list-large"),
        pytest.param(3, SMALL, workers("space", "space", only=SELFPLAY), id="marks-small"),
        pytest.param(3, SMALL, workers("enter", only=TRAIN, shows="SIGTERM"), id="details-small"),
        pytest.param(3, LARGE, DETAILS, id="details-large"),
        pytest.param(3, SMALL, workers("x", only=TRAIN, shows=" torchrun"), id="stop-small"),
        pytest.param(3, SMALL, workers("asterisk", "X", only=SELFPLAY, shows="type 3"), id="kill-small"),
        pytest.param(3, LARGE, workers("asterisk", "r", "tab", only="node:gpu-1", shows="SIGTERM"), id="restart-large"),
        pytest.param(3, SMALL, workers("D", only=TRAIN, shows="not know how to drain"), id="drain-small"),
        pytest.param(3, SMALL, workers("e", "k", "F", only="worker:train node:gpu-2", shows="Forget"), id="forget-small"),
        pytest.param(3, SMALL, fleet("j", "S", "right", "right", shows="as gauntlet"), id="start-small"),
        pytest.param(3, LARGE, fleet("j", "S", "right", shows="as train"), id="start-large"),
        pytest.param(24, SMALL, fleet("o", "tab", shows="run/train.lock"), id="orphans-small"),
        pytest.param(24, LARGE, fleet("o", "tab", shows="run/train.lock"), id="orphans-large"),
        pytest.param(3, SMALL, fleet("asterisk", "exclamation_mark", shows="on home"), id="command-small"),
        pytest.param(2, SMALL, node_tab, id="tab-small"),
    ],
)  # fmt: skip
def test_picture(snap_compare: Any, nodes: int, size: tuple[int, int], before: Before) -> None:
    assert snap_compare(DemoConsole(nodes), terminal_size=size, run_before=before)


@pytest.mark.parametrize(
    "wishes",
    [
        pytest.param({"ascii_only": True}, id="ascii"),
        pytest.param({"theme": "quarterdeck-light"}, id="light"),
        pytest.param({"theme": "high-contrast"}, id="high-contrast"),
        pytest.param({"read_only": True}, id="read-only"),
    ],
)
def test_list_in(snap_compare: Any, wishes: dict[str, Any]) -> None:
    assert snap_compare(DemoConsole(6, **wishes), terminal_size=(120, 36), run_before=LIST)


def test_details_in_ascii(snap_compare: Any) -> None:
    app = DemoConsole(3, ascii_only=True)
    assert snap_compare(app, terminal_size=(120, 50), run_before=DETAILS)
