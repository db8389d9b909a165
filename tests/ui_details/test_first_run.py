"""The first run: no settings yet, hosts in the SSH config."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.demo.agent import DemoNode
from console.demo.dialer import DemoDialer
from console.demo.time import DemoTime
from console.runtime import Runtime
from console.settings.load import load
from console.ui.app import QuarterdeckApp
from console.ui.modals.hosts import HostPicker
from tests.ui_details.consoles import screen_text, until


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "QUARTERDECK_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".ssh").mkdir(mode=0o700)
    (tmp_path / ".ssh" / "config").write_text("Host lab-1 lab-2\n  User mara\nHost *.example\n")
    return tmp_path


def runtime(hosts: tuple[str, ...] = ()) -> Runtime:
    """Its own settings, but every machine is scripted."""
    loaded, time = load(hosts=hosts), DemoTime()
    return Runtime(
        loaded,
        loaded.specs(),
        dialers=lambda spec: DemoDialer(DemoNode(2, time), Path("/nonexistent")),
        keep=False,
    )


async def test_hosts_are_offered_undialled_and_the_picked_are_written_down(home: Path) -> None:
    async with runtime() as fleet:
        app = QuarterdeckApp(fleet)
        async with app.run_test(size=(100, 30)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, HostPicker), "the picker")
            await until(pilot, lambda: "lab-2" in screen_text(pilot), "the hosts")
            assert "example" not in screen_text(pilot)
            assert list(fleet.store.nodes) == ["local"]
            await pilot.press("j", "enter")
            await until(pilot, lambda: "lab-2" in fleet.store.nodes, "the picked host")
            assert list(fleet.store.nodes) == ["local", "lab-2"]
            await until(pilot, lambda: fleet.store.nodes["lab-2"].state == "up", "its link")
    written = load()
    assert [spec.name for spec in written.specs()] == ["local", "lab-2"]


async def test_named_hosts_are_not_asked_about(home: Path) -> None:
    async with runtime(("lab-1",)) as fleet:
        app = QuarterdeckApp(fleet)
        async with app.run_test(size=(100, 30)) as pilot:
            await until(pilot, lambda: fleet.store.nodes["lab-1"].state == "up", "the link")
            await pilot.pause(0.2)
            assert not isinstance(app.screen, HostPicker)
