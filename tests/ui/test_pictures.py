"""Pictures of the Fleet screen on the demo fleet, whose time stands still. `--snapshot-update` accepts a change."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui_details.consoles import DemoConsole, settled

SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 60)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of day in a picture do not depend on where it is taken."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("nodes", "size", "keys", "wishes"),
    [
        pytest.param(24, SMALL, "", {}, id="table-small"),
        pytest.param(24, LARGE, "", {}, id="panes-large"),
        pytest.param(24, LARGE, "v", {}, id="table-large"),
        pytest.param(3, SMALL, "", {}, id="three-small"),
        pytest.param(3, LARGE, "", {}, id="three-large"),
        pytest.param(40, LARGE, "", {}, id="forty-large"),
        pytest.param(24, MIDDLE, "j j j z", {}, id="zoom"),
        pytest.param(
            24, MIDDLE, "space space slash g p u greater_than_sign 5 0", {}, id="filter-and-marks"
        ),
        pytest.param(24, MIDDLE, "question_mark", {}, id="help"),
        pytest.param(24, SMALL, "", {"ascii_only": True}, id="ascii"),
        pytest.param(24, SMALL, "", {"read_only": True}, id="read-only"),
        pytest.param(3, MIDDLE, "", {"theme": "quarterdeck-light"}, id="light"),
        pytest.param(3, MIDDLE, "", {"theme": "high-contrast"}, id="high-contrast"),
        pytest.param(3, MIDDLE, "", {"theme": "colour-blind"}, id="colour-blind"),
    ],
)
def test_picture(
    snap_compare: Any, nodes: int, size: tuple[int, int], keys: str, wishes: dict[str, Any]
) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await pilot.press(*keys.split())
        await pilot.pause(0.3)

    assert snap_compare(DemoConsole(nodes, **wishes), terminal_size=size, run_before=before)
