"""Each screen and dialog of jobs as a picture. A picture that changes is looked at before it is accepted."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui_details.consoles import DemoConsole, settled, shown, until
from tests.ui_jobs.screens import on_jobs, says

SMALL, LARGE = (80, 24), (200, 60)
Before = Callable[[Pilot[Any]], Awaitable[None]]


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of day do not depend on where a picture is taken, nor run ids on when."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr("console.operations.jobs.operations.new_run_id", lambda: "5eed" * 8)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def jobs(*keys: str, only: str = "", shows: str = "") -> Before:
    """The Jobs screen with a filter; keys are pressed, and `shows` is waited for."""

    async def before(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await on_jobs(pilot, only)
        await pilot.press(*keys)
        await says(pilot, *([shows] if shows else []))
        await shown(pilot)

    return before


async def sheet(pilot: Pilot[Any]) -> None:
    await jobs("enter")(pilot)
    modal: Any = pilot.app.screen
    await until(pilot, lambda: modal._details is not None, "what the node says of it")
    await shown(pilot)


def fleet(*keys: str, shows: str) -> Before:
    async def before(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        jobs_known = pilot.app.runtime.jobs.planned  # type: ignore[attr-defined]
        await until(pilot, jobs_known, "the jobs")
        await pilot.press(*keys)
        await says(pilot, shows)
        await shown(pilot)

    return before


@pytest.mark.parametrize(
    ("nodes", "size", "before"),
    [
        pytest.param(24, SMALL, jobs(), id="list-small"),
        pytest.param(24, LARGE, jobs(), id="list-large"),
        pytest.param(3, SMALL, jobs(only="state:partial"), id="partial-small", marks=pytest.mark.long),
        pytest.param(3, SMALL, sheet, id="sheet-small"),
        pytest.param(3, LARGE, sheet, id="sheet-large", marks=pytest.mark.long),
        pytest.param(3, SMALL, jobs("x", shows="Cancel sync"), id="cancel-small", marks=pytest.mark.long),
        pytest.param(24, LARGE, jobs("r", only="state:partial", shows="What is left"), id="retry-large", marks=pytest.mark.long),
        pytest.param(3, SMALL, fleet("b", shows="s  Sync"), id="menu-small"),
        pytest.param(24, LARGE, fleet("b", shows="s  Sync"), id="menu-large", marks=pytest.mark.long),
        pytest.param(24, SMALL, fleet("b", "s", shows="starts it"), id="plan-small"),
        pytest.param(24, LARGE, fleet("b", "s", shows="starts it"), id="plan-large", marks=pytest.mark.long),
        pytest.param(3, SMALL, fleet("b", "p", shows="starts it"), id="prune-small", marks=pytest.mark.long),
    ],
)  # fmt: skip
def test_picture(snap_compare: Any, nodes: int, size: tuple[int, int], before: Before) -> None:
    assert snap_compare(DemoConsole(nodes), terminal_size=size, run_before=before)


@pytest.mark.parametrize(
    "wishes",
    [
        pytest.param({"ascii_only": True}, id="ascii"),
        pytest.param({"theme": "quarterdeck-light"}, id="light"),
        pytest.param({"read_only": True}, id="read-only"),
    ],
)
def test_list_in(snap_compare: Any, wishes: dict[str, Any]) -> None:
    assert snap_compare(DemoConsole(3, **wishes), terminal_size=(120, 36), run_before=jobs())
