"""The Jobs screen on the demo fleet: its running sync, its scheduled backup, what is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from console.ui.screens.jobs import JobsScreen
from console.ui.widgets.table import Table
from tests.ui_details.consoles import DemoConsole, screen_text, settled, shown, until


@asynccontextmanager
async def demo(
    nodes: int = 3, size: tuple[int, int] = (140, 45), **wishes: Any
) -> AsyncIterator[Pilot[Any]]:
    """The app on the demo; at the end nothing may have failed in it."""
    app = DemoConsole(nodes, **wishes)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        yield pilot
        assert not app.failures, "\n".join([*app.failures, app.logbook.path.read_text()])


async def on_jobs(pilot: Pilot[Any], only: str = "") -> JobsScreen:
    """The Jobs screen, filtered, with the cursor on its first job."""
    await pilot.press("3")
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, JobsScreen), "the Jobs screen")
    await shown(pilot)
    screen: JobsScreen = app.screen  # type: ignore[assignment]
    await until(pilot, lambda: screen.query_one(Table).keys, "the jobs")
    if only:
        screen.apply_filter(only)
        await pilot.press("g", "j")
        await until(pilot, lambda: screen.current is not None, only)
    return screen


async def says(pilot: Pilot[Any], *wanted: str) -> str:
    """What can be read, once it holds all of these."""
    await until(
        pilot,
        lambda: all(word in screen_text(pilot) for word in wanted),
        f"{wanted} in\n{screen_text(pilot)}",
    )
    return screen_text(pilot)


def toasts(pilot: Pilot[Any]) -> str:
    return "\n".join(str(one.message) for one in pilot.app._notifications)


def states(pilot: Pilot[Any], name: str) -> list[str]:
    """Of each run of that job, as the store has it, the newest first."""
    views = pilot.app.runtime.store.workers(earlier=True)  # type: ignore[attr-defined]
    return [view.record.state for view in views if view.name == name and view.record.kind == "job"]
