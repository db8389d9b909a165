"""What goes wrong in one place stays there: the screen goes on, and what happened is written down."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from console.fleet.events import SampleArrived
from console.ui.app import QuarterdeckApp
from console.ui.contained import ContainedWidget
from console.ui.widgets import node_panes
from console.ui.widgets.node_table import NodeTable
from tests.ui.fleets import StandIn, demo_store, fed, many_store, node_up, sample
from tests.ui.screens import opened, settled, shows, text


class Broken(ContainedWidget):
    """Fails in each way a widget can."""

    DEFAULT_CSS = "Broken { dock: bottom; height: 2; }"

    def render_line(self, y: int) -> Any:
        raise RuntimeError("cannot paint")

    def fleet_changed(self, names: frozenset[str], alerts_changed: bool) -> None:
        raise RuntimeError("cannot look")

    def on_key(self) -> None:
        raise RuntimeError("cannot listen")


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never came true")


def app_of(store: Any, directory: Path, **options: Any) -> QuarterdeckApp:
    return QuarterdeckApp(StandIn(store), state_directory=directory, **options)  # type: ignore[arg-type]


async def test_one_failed_widget_never_ends_the_app(tmp_path: Path) -> None:
    app = app_of(demo_store(3), tmp_path)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        broken = Broken()
        broken.can_focus = True
        await app.screen.mount(broken)
        broken.focus()
        await settled(pilot)
        await pilot.press("j", "x")
        await shows(pilot, "Broken failed")
        assert "gpu-1" in text(pilot)
        await shows(pilot, "The traceback is in")
        app.runtime.store.apply(SampleArrived("home", app.runtime.store.now + 1, sample(cpu=77.0)))
        await shows(pilot, "77 %")  # the others still see what changes
        assert app.is_running
    assert app.failures
    log = tmp_path / "console.log"
    assert log.stat().st_mode & 0o777 == 0o600
    written = log.read_text()
    assert "cannot paint" in written
    assert "cannot look" in written
    assert "Traceback" in written


async def test_a_pane_that_cannot_be_drawn_leaves_the_keys_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("no such ink")

    monkeypatch.setattr(node_panes, "draw_pane", fail)
    app = app_of(demo_store(3), tmp_path)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settled(pilot)
        await shows(pilot, "NodePanes failed")
        await pilot.press("v")
        await shows(pilot, "RECORDS")


async def test_a_failed_message_handler_of_a_stock_widget_does_not_end_the_app(
    tmp_path: Path,
) -> None:
    app = app_of(demo_store(3), tmp_path)
    async with app.run_test(size=(120, 40), notifications=True):
        victim = Static("x")
        await app.screen.mount(victim)

        def fail() -> None:
            raise RuntimeError("late")

        victim.call_later(fail)
        await until(lambda: bool(app.failures))
        app.screen.action_step(1)  # type: ignore[attr-defined]
        await until(lambda: app.screen.current_node() == "gpu-1")  # type: ignore[attr-defined]
        assert app.is_running
        await victim.remove()
    assert any("late" in failure for failure in app.failures)


async def test_a_full_disk_under_the_log_is_no_failure(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("not a folder")
    app = app_of(demo_store(3), place)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        app.record_failure("testing", RuntimeError("x"))
        await pilot.press("ctrl+s")
        await shows(pilot, "not saved")


async def test_a_resize_storm_ends_in_the_right_picture(tmp_path: Path) -> None:
    chance = random.Random(7)
    app = app_of(many_store(60), tmp_path)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        for _ in range(25):
            await pilot.resize_terminal(chance.randint(1, 220), chance.randint(1, 70))
            if chance.random() < 0.3:
                await pilot.press(chance.choice(["v", "z", "j", "G", "question_mark", "escape"]))
        while len(app.screen_stack) > 1:
            await pilot.press("escape")
        await pilot.resize_terminal(100, 30)
        await settled(pilot)
        lines = text(pilot).splitlines()
        assert "nodes up" in lines[0]
        assert all(len(line) <= 100 for line in lines)
    assert not app.failures, app.failures


async def test_changes_are_painted_at_most_four_times_a_second(tmp_path: Path) -> None:
    store = fed(node_up("busy"))
    app = app_of(store, tmp_path)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settled(pilot)
        seen = 0
        board = app.screen.board  # type: ignore[attr-defined]
        before = board.fleet_changed

        def counted(*args: Any) -> None:
            nonlocal seen
            seen += bool(args[0])
            before(*args)

        board.fleet_changed = counted
        started = asyncio.get_running_loop().time()
        for number in range(400):
            store.apply(SampleArrived("busy", 200.0 + number / 100, sample(cpu=number % 100)))
            await asyncio.sleep(0.002)
        elapsed = asyncio.get_running_loop().time() - started
        assert 0 < seen <= elapsed * 4 + 2


async def test_a_heartbeat_alone_paints_nothing(tmp_path: Path) -> None:
    store = fed(node_up("calm"))
    app = app_of(store, tmp_path)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settled(pilot)
        await pilot.press("v")
        await settled(pilot)
        table = app.screen.query_one(NodeTable)
        drawn = table._drawn["calm"]
        for event in node_up("calm", at=100.2)[2:3]:
            store.apply(event)
        await settled(pilot)
        assert table._drawn["calm"] is drawn


async def test_changes_that_come_while_it_ends_are_let_go(tmp_path: Path) -> None:
    store = many_store(3)
    async with opened(store, tmp_path) as pilot:
        app = pilot.app
    assert isinstance(app, QuarterdeckApp)
    store.apply(SampleArrived("sim-0000", 200.0, sample(cpu=50.0)))
    app.show_changes()  # what its timer does that runs out between the last screen and the end
