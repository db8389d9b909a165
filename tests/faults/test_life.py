"""Who dies when: the console, the agent, the session's sshd, the listening sshd. Rows 1 to 4."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from console.errors import RequestLost
from tests.faults.remote import agents_on, sshd_listeners
from tests.faults.watching import (
    LONG,
    PATIENCE,
    TIMEOUT_S,
    Watched,
    entries,
    watching,
    write_settings,
)
from tests.loopback import LoopbackFleet
from tests.processes import alive, stop_all
from tests.terminal import Terminal

pytestmark = [pytest.mark.root, pytest.mark.timeout(TIMEOUT_S)]

CONSOLE_KILLS = 50 if LONG else 5
AGENT_KILLS = 30 if LONG else 3
REQUESTS_AT_ONCE = 8


def open_console(settings: Path, home: Path) -> Terminal:
    home.mkdir(mode=0o700, exist_ok=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
    argv = [sys.executable, "-m", "console", "--config", str(settings)]
    return Terminal(argv, environment=environment)


def test_a_console_killed_at_any_moment_opens_again_on_the_same_fleet(
    fleet: LoopbackFleet, tmp_path: Path
) -> None:
    settings = write_settings(tmp_path, entries(fleet))
    chance = random.Random(1)
    for _ in range(CONSOLE_KILLS):
        with open_console(settings, tmp_path / "home") as terminal:
            moment = time.monotonic() + chance.uniform(0.05, 2.5)
            while time.monotonic() < moment:
                terminal.pump(0.02)
            os.kill(terminal.pid, signal.SIGKILL)
            assert terminal.wait_for_exit() == -signal.SIGKILL
    with open_console(settings, tmp_path / "home") as terminal:
        terminal.wait_for(f"{len(fleet.hosts)}/{len(fleet.hosts)}", 30)
        for host in fleet.hosts:
            terminal.wait_for(host.name, 5)
            # Those of the killed consoles have noticed by now or do so at once.
            deadline = time.monotonic() + 10
            while len(agents_on(host)) != 1:
                assert time.monotonic() < deadline, agents_on(host)
                terminal.pump(0.05)


async def test_an_agent_killed_while_it_answers_is_replaced(
    fleet: LoopbackFleet, tmp_path: Path
) -> None:
    async with watching(tmp_path / "qd", entries(fleet)) as watched:
        await watched.until_all_up()
        name, host = fleet.hosts[0].name, fleet.hosts[0]
        for _ in range(AGENT_KILLS):
            pid = watched.pid(name)
            asking = [
                asyncio.create_task(watched.runtime.processes.list(name))
                for _ in range(REQUESTS_AT_ONCE)
            ]
            await asyncio.sleep(random.uniform(0, 0.1))
            (agent,) = agents_on(host)
            os.kill(agent, signal.SIGKILL)
            # A reply that did not come is unknown; none is made up.
            for outcome in await asyncio.gather(*asking, return_exceptions=True):
                assert isinstance(outcome, RequestLost) or getattr(outcome, "processes", ())
            await watched.until_back(name, pid, 3 * PATIENCE)
            await watched.until_all_up(3 * PATIENCE)
            assert len(agents_on(host)) == 1
        others = [each.name for each in fleet.hosts[1:]]
        assert all(watched.states_since(other, 0) <= {"connecting", "up"} for other in others), (
            "nobody else noticed"
        )


async def test_a_killed_ssh_session_is_replaced_and_leaves_no_agent(
    fleet: LoopbackFleet, tmp_path: Path
) -> None:
    async with watching(tmp_path / "qd", entries(fleet)) as watched:
        await watched.until_all_up()
        host = fleet.hosts[1]
        pid, started = watched.pid(host.name), time.monotonic()
        host.kill_session()
        await watched.until_back(host.name, pid, 3 * PATIENCE)
        assert "down" not in watched.states_since(host.name, started)
        await watched.until("one agent", lambda: len(agents_on(host)) == 1, 5)


async def test_sessions_live_on_while_sshd_is_restarted(
    fleet: LoopbackFleet, tmp_path: Path
) -> None:
    async with watching(tmp_path / "qd", entries(fleet)) as watched:
        await watched.until_all_up()
        host = fleet.hosts[0]
        pid, started = watched.pid(host.name), time.monotonic()
        (listener,) = sshd_listeners(host)
        stop_all([listener], signal.SIGKILL)
        assert not alive(listener)
        await _samples_go_on(watched, host.name)
        host.start_sshd()
        await _samples_go_on(watched, host.name)
        assert watched.states_since(host.name, started) == {"up"}
        assert watched.pid(host.name) == pid
        # The new listener lets the next one in.
        with contextlib.suppress(ProcessLookupError):
            os.kill(agents_on(host)[0], signal.SIGKILL)
        await watched.until_back(host.name, pid, 3 * PATIENCE)


async def _samples_go_on(watched: Watched, name: str) -> None:
    since = watched.node(name).sample_at
    assert since is not None
    await watched.until(
        "two more seconds of samples",
        lambda: (watched.node(name).sample_at or 0) > since + 2,
        10,
    )
