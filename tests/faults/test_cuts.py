"""The way to a node is cut and comes back: half-open, reset, link down, roaming, sleep. Rows 38–43, 49."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.fleet.model import DOWN_AFTER_S, STALE_AFTER_S, ProblemKind
from tests.faults.remote import agents_on
from tests.faults.watching import (
    LONG,
    PATIENCE,
    TIMEOUT_S,
    Watched,
    entries,
    lasting,
    watching,
    write_settings,
)
from tests.loopback import LoopbackFleet
from tests.namespaces import LoopbackHost
from tests.terminal import Terminal

pytestmark = [pytest.mark.root, pytest.mark.timeout(TIMEOUT_S)]

BACK_S = 5.0  # T2


async def test_a_long_cut_is_down_with_the_reason_a_short_one_only_stale_and_both_come_back(
    fleet: LoopbackFleet, tmp_path: Path
) -> None:
    """Packets vanish on one node, another one's cable is out, a third one's for 5 s only; one is whole."""
    dropped, unplugged, flapping, whole = fleet.hosts
    async with watching(tmp_path / "qd", entries(fleet)) as watched:
        await watched.until_all_up()
        before, started = watched.pid(whole.name), time.monotonic()
        await asyncio.gather(
            _long_cut(watched, dropped, "drop"),
            _long_cut(watched, unplugged, "link"),
            _short_flap(watched, flapping),
        )
        assert watched.states_since(whole.name, started) == {"up"}
        assert watched.pid(whole.name) == before


async def _long_cut(watched: Watched, host: LoopbackHost, how: str) -> None:
    started = time.monotonic()
    host.cut(how)
    await watched.until_state(host.name, "stale", STALE_AFTER_S * PATIENCE)
    assert "last figures" in watched.node(host.name).reason
    assert watched.node(host.name).sample is not None, "the last figures stay"
    await watched.until_state(host.name, "down", DOWN_AFTER_S * PATIENCE)
    seen = [each for each in watched.seen[host.name] if each.at > started]
    assert [each.state for each in seen] == ["stale", "down"]
    assert seen[1].at - started >= DOWN_AFTER_S - 1.5, "not down before its time"
    assert "no heartbeat for 1" in seen[1].reason
    await asyncio.sleep(lasting(60 - DOWN_AFTER_S, 1.5))
    assert watched.node(host.name).state == "down", "and stays so while it is cut"
    host.heal()
    await watched.until_state(host.name, "up", BACK_S * PATIENCE)


async def _short_flap(watched: Watched, host: LoopbackHost) -> None:
    pid, started = watched.pid(host.name), time.monotonic()
    host.cut("link")
    await watched.until_state(host.name, "stale", STALE_AFTER_S * PATIENCE)
    await asyncio.sleep(max(0.0, started + 5 - time.monotonic()))
    host.heal()
    await watched.until_state(host.name, "up", BACK_S * PATIENCE)
    assert watched.pid(host.name) == pid, "it needed no new connection"
    assert watched.states_since(host.name, started) == {"up", "stale"}


async def test_a_reset_connection_is_made_again(fleet: LoopbackFleet, tmp_path: Path) -> None:
    host = fleet.hosts[0]
    async with watching(tmp_path / "qd", entries(fleet)) as watched:
        await watched.until_all_up()
        pid, started = watched.pid(host.name), time.monotonic()
        host.cut("reset")
        await watched.until(
            "the loss is known", lambda: watched.node(host.name).lost is not None, 4 * PATIENCE
        )
        host.heal()
        await watched.until_back(host.name, pid, 2 * PATIENCE + 3)
        assert "down" not in watched.states_since(host.name, started)


def own_address(fleet: LoopbackFleet, act: str, number: int) -> None:
    """Adds or deletes an address of ours on the hosts' network, as a laptop that moves does."""
    argv = ["ip", "address", act, f"{fleet.network}.{number}/24", "dev", fleet.bridge]
    subprocess.run(argv, check=True, capture_output=True)


@pytest.fixture
def home_address(fleet: LoopbackFleet) -> Iterator[None]:
    yield
    addresses = subprocess.run(["ip", "-br", "address"], check=True, capture_output=True).stdout
    if f"{fleet.network}.1/24".encode() not in addresses:
        own_address(fleet, "add", 1)
    if f"{fleet.network}.2/24".encode() in addresses:
        own_address(fleet, "del", 2)


@pytest.mark.usefixtures("home_address")
async def test_a_change_of_networks_is_noticed_at_once(
    fleet: LoopbackFleet, tmp_path: Path
) -> None:
    async with watching(tmp_path / "qd", entries(fleet)) as watched:
        await watched.until_all_up()
        pids = {host.name: watched.pid(host.name) for host in fleet.hosts}
        started = time.monotonic()
        own_address(fleet, "del", 1)
        own_address(fleet, "add", 2)
        for name, pid in pids.items():
            await watched.until_back(name, pid, BACK_S * PATIENCE)
            assert "down" not in watched.states_since(name, started)
            assert "attention" not in watched.states_since(name, started)
        if not LONG:  # the old connections learn it from us; otherwise from 60 s of silence
            own_address(fleet, "add", 1)
        for host in fleet.hosts:
            await watched.until(
                f"one agent on {host.name}", lambda host=host: len(agents_on(host)) == 1, 75
            )
            assert watched.node(host.name).state == "up"


async def test_a_connect_into_nothing_holds_up_nobody_else(
    fleet: LoopbackFleet, tmp_path: Path
) -> None:
    black, *others = fleet.hosts
    black.cut("drop")
    ssh = {"connect_timeout_s": 3.0}
    async with watching(tmp_path / "qd", entries(fleet), ssh) as watched:
        for host in others:
            await watched.until_state(host.name, "up", 10)
        await watched.until_state(black.name, "down", 3 * PATIENCE + 2)
        problem = watched.node(black.name).lost
        assert problem is not None
        assert problem.problem.kind is ProblemKind.TIMED_OUT
        assert "no answer within 3 s" in watched.node(black.name).reason
        assert black.address in watched.node(black.name).reason
        black.heal()
        await watched.until_state(black.name, "up", BACK_S * PATIENCE)


def test_a_laptop_that_slept_probes_every_link_when_it_wakes(
    fleet: LoopbackFleet, tmp_path: Path
) -> None:
    """The lid is closed, the network goes, the lid is opened, and only then the network returns."""
    settings = write_settings(tmp_path, entries(fleet))
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
    argv = [sys.executable, "-m", "console", "--config", str(settings)]
    with Terminal(argv, environment=environment) as terminal:
        terminal.wait_for("4/4", 30)
        os.kill(terminal.pid, signal.SIGSTOP)
        try:
            fleet.hosts[0].cut("drop")
            fleet.hosts[1].cut("drop")
            time.sleep(lasting(600, 7))
        finally:
            os.kill(terminal.pid, signal.SIGCONT)
        # 3 s for the probe; the figures are old by then and are shown as stale.
        terminal.wait_for("2/4", (3 + STALE_AFTER_S) * PATIENCE)
        fleet.hosts[0].heal()
        fleet.hosts[1].heal()
        terminal.wait_for("4/4", BACK_S * PATIENCE)
