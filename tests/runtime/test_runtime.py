"""The composition root with a real agent: what a person sees from start to end, and while settings change."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from console.channels.channel import Channel, Progress
from console.errors import Refused
from console.fleet.changes import Change, NodeChanged
from console.fleet.model import NodeSpec, Transport
from tests.processes import descendants
from tests.runtimes import runtime_of, settings_file, until, up


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the console and of its local agent."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_this_machine_shows_up_without_settings_and_leaves_nothing_running(
    home: Path,
) -> None:
    before = set(descendants(os.getpid()))
    async with runtime_of(home) as runtime:
        await up(runtime)
        local = runtime.store.nodes["local"]
        assert local.state == "up"
        assert local.sample is not None
        assert local.sample.host.memory.total_bytes
        assert set(descendants(os.getpid())) - before, "the agent is a child"
    await until(lambda: not set(descendants(os.getpid())) - before)
    assert not runtime.sessions


def test_this_machine_needs_no_ssh_library() -> None:
    program = """
        import asyncio, sys
        from console.runtime import Runtime
        from console.settings.load import load

        async def main():
            loaded = load()
            async with Runtime(loaded, loaded.specs()) as runtime:
                while not runtime.store.nodes["local"].sample:
                    await asyncio.sleep(0.02)

        asyncio.run(asyncio.wait_for(main(), 20))
        print([m for m in ("asyncssh", "textual", "psutil", "sqlite3.dump") if m in sys.modules])
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.strip() == "[]", ran.stderr


async def test_more_is_shown_of_a_node_in_full_interest(home: Path) -> None:
    async with runtime_of(home) as runtime:
        await up(runtime)
        assert not runtime.store.nodes["local"].sample.host.core_percents  # type: ignore[union-attr]
        runtime.interval = 0.2
        runtime.configure("local", "full")
        runtime.configure("nobody", "full")
        await until(lambda: runtime.store.nodes["local"].sample.host.core_percents)  # type: ignore[union-attr]


async def test_nodes_come_and_go_with_the_settings(home: Path) -> None:
    port = closed_port()
    file = settings_file(home, "nodes: [local]\n")
    async with runtime_of(home) as runtime:
        await up(runtime)
        settings_file(
            home, f"nodes:\n  - local\n  - {{name: far, address: 127.0.0.1, port: {port}}}\n"
        )
        await until(lambda: "far" in runtime.store.nodes)
        await until(lambda: runtime.store.nodes["far"].state == "down")
        assert "refused" in runtime.store.nodes["far"].reason
        settings_file(home, "nodes:\n  - local\n  - {name: far\n")
        await until(lambda: runtime.settings_fault)
        assert str(runtime.settings_fault).startswith(f"{file}:")
        assert list(runtime.store.nodes) == ["local", "far"]
        assert "last good ones stay" in runtime.board.recent[-1].text
        settings_file(home, "nodes: [local]\n")
        await until(lambda: list(runtime.store.nodes) == ["local"])
        assert runtime.settings_fault is None
        assert runtime.store.nodes["local"].state == "up"
        assert list(runtime.sessions) == ["local"]
        assert (runtime.reloads, runtime.failed_reloads) == (2, 1)


async def test_a_dataset_added_to_the_settings_is_counted_without_a_new_link(home: Path) -> None:
    (home / "games").mkdir()
    (home / "games" / "a.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    settings_file(home, "nodes: [local]\n")
    async with runtime_of(home) as runtime:
        await up(runtime)
        links: list[Change] = []
        runtime.store.subscribe(links.append)
        agent = runtime.store.nodes["local"].hello
        text = "nodes: [local]\ncount_interval: 1s\ndatasets: [{name: g, paths: games/*.jsonl, stale_after: 60m}]\n"
        settings_file(home, text)

        def records() -> int | None:
            report = runtime.store.nodes["local"].datasets
            return report.counts[0].records if report and report.counts else None

        await until(lambda: records() == 2)
        assert runtime.store.rules.stale_after == (("g", 3600.0),)
        assert runtime.store.nodes["local"].hello == agent
        assert NodeChanged("local", "link") not in links[5:]


async def test_limits_of_alerts_hold_at_once(home: Path) -> None:
    async with runtime_of(home) as runtime:
        await up(runtime)
        settings_file(home, "alerts: {memory: {limit: 0.01, for: 0s}}\n")
        await until(lambda: "memory" in {alert.kind for alert in runtime.store.alerts})


async def test_read_only_in_the_settings_holds_at_once(home: Path) -> None:
    async with runtime_of(home) as runtime:
        assert not runtime.read_only
        settings_file(home, "read_only: true\n")
        await until(lambda: runtime.read_only)
        with pytest.raises(Refused):
            runtime.nodes.ssh_command("local")


async def test_read_only_on_the_command_line_stays_whatever_the_settings_say(home: Path) -> None:
    async with runtime_of(home, read_only=True) as runtime:
        settings_file(home, "read_only: false\nui: {theme: other}\n")
        await until(lambda: runtime.reloads)
        assert runtime.read_only


class Broken:
    """A dialer with a fault of ours in it."""

    speaks_frames = False
    dials = 0

    async def dial(self, command: str, progress: Progress) -> Channel:
        self.dials += 1
        raise RuntimeError("a fault of ours")

    async def close(self) -> None:
        return


async def test_a_fault_in_one_session_is_said_on_its_row_and_touches_no_other(home: Path) -> None:
    from console.channels.local import LocalDialer

    broken = Broken()
    async with runtime_of(
        home, dialers=lambda spec: broken if spec.name == "odd" else LocalDialer()
    ) as runtime:
        await runtime.add_node(NodeSpec("odd", Transport.MEMORY))
        await up(runtime)
        await until(lambda: runtime.store.nodes["odd"].state in ("down", "attention"))
        assert "RuntimeError" in runtime.store.nodes["odd"].reason
        dials = broken.dials
        runtime.retry("odd")
        await until(lambda: broken.dials > dials)
        assert runtime.store.nodes["local"].state == "up"


class Stuck(Broken):
    """A dialer that does not connect, does not end when told to, and does not close."""

    async def dial(self, command: str, progress: Progress) -> Channel:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass
        await asyncio.sleep(3600)
        raise AssertionError

    async def close(self) -> None:
        await asyncio.sleep(3600)


async def test_a_node_that_does_not_let_go_cannot_hold_the_end_up(home: Path) -> None:
    async def open_and_end() -> None:
        async with runtime_of(home, dialers=lambda _: Stuck()) as runtime:
            await until(lambda: runtime.store.nodes["local"].state == "connecting")

    await asyncio.wait_for(open_and_end(), 15)
