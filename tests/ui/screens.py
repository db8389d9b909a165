"""Opens the app on a stand-in runtime, and reads its screen as lines of text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from console.fleet.store import FleetStore
from console.ui.app import QuarterdeckApp
from console.ui.saving import view_text
from tests.ui.fleets import StandIn


@asynccontextmanager
async def opened(
    store: FleetStore,
    directory: Path,
    size: tuple[int, int] = (120, 40),
    runtime: StandIn | None = None,
    **options: Any,
) -> AsyncIterator[Pilot[int]]:
    """The app, running; at the end nothing may have failed in it."""
    app = QuarterdeckApp(runtime or StandIn(store), state_directory=directory, **options)  # type: ignore[arg-type]
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        yield pilot
        assert not app.failures, "\n".join([*app.failures, app.logbook.path.read_text()])


async def settled(pilot: Pilot[int]) -> None:
    """All that was asked for has been drawn."""
    await pilot.pause()
    pilot.app.show_changes()  # type: ignore[attr-defined]
    await pilot.pause()


def text(pilot: Pilot[int]) -> str:
    return view_text(pilot.app)


async def shows(pilot: Pilot[int], wanted: str | Callable[[str], bool], rounds: int = 200) -> str:
    """The screen's text once it holds `wanted`. Raises AssertionError that shows the screen."""
    holds = (lambda now: wanted in now) if isinstance(wanted, str) else wanted
    for _ in range(rounds):
        now = text(pilot)
        if holds(now):
            return now
        await pilot.pause(0.02)
    raise AssertionError(f"never on the screen: {wanted!r}\n{text(pilot)}")
