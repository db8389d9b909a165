"""Pictures of the Logs screen on logs that stand still. `--snapshot-update` accepts a change."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.screens import settled, shows
from tests.ui_logs.feeds import MemoryFeed
from tests.ui_logs.worlds import LogConsole, training

SMALL, LARGE = (80, 24), (200, 60)
WORKERS = (("gpu-1", "selfplay-0"), ("gpu-2", "selfplay-1"), ("vast-7", "train"))
Before = Callable[[Pilot[Any]], Awaitable[None]]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of day in a picture do not depend on where it is taken."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def logs(count: int, *keys: str, wanted: str = "38/100") -> Before:
    """Opens the logs of the first so many workers, presses keys, and waits for what is to be read."""

    async def before(pilot: Pilot[Any]) -> None:
        app: LogConsole = pilot.app
        for node, name in WORKERS[:count]:
            training(app.feed, node, name)
        sign = app.glyphs.times
        await app.open_logs_of(WORKERS[:count])
        await shows(pilot, lambda now: f"traceback {sign}{count}" in now and "38/100" in now)
        await pilot.press(*keys)
        await shows(pilot, wanted)
        await settled(pilot)

    return before


@pytest.mark.parametrize(
    ("size", "before", "wishes"),
    [
        pytest.param(SMALL, logs(1), {}, id="one-small"),
        pytest.param(SMALL, logs(3), {}, id="merged-small"),
        pytest.param(LARGE, logs(3), {}, id="merged-large"),
        pytest.param(SMALL, logs(3, "w", "E", wanted="below"), {}, id="wrapped-error-small"),
        pytest.param(LARGE, logs(3, "slash", *"loss 0.84", "enter", wanted="27 matches"), {}, id="search-large"),
        pytest.param(SMALL, logs(1, "ampersand", *"warn", "enter", wanted="3 matches"), {}, id="only-small"),
        pytest.param(SMALL, logs(3, "i", wanted="in the whole logs"), {}, id="faults-small"),
        pytest.param(SMALL, logs(3, "l", wanted="Follow the logs of"), {}, id="sources-small"),
        pytest.param(SMALL, logs(3), {"theme": "quarterdeck-light"}, id="light"),
        pytest.param(SMALL, logs(3), {"theme": "high-contrast"}, id="high-contrast"),
        pytest.param(SMALL, logs(3), {"ascii_only": True}, id="ascii"),
    ],
)  # fmt: skip
def test_picture(
    snap_compare: Any, tmp_path: Path, size: tuple[int, int], before: Before, wishes: dict[str, Any]
) -> None:
    app = LogConsole(WORKERS, MemoryFeed(), tmp_path, **wishes)
    assert snap_compare(app, terminal_size=size, run_before=before)
