"""The loopback fleet: hosts of their own, cut off and healed, and nothing left of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.channels.ssh import SshNetwork
from console.errors import LinkError
from console.fleet.model import ProblemKind
from console.settings.load import load
from tests.loopback import LoopbackFleet, unavailable
from tests.processes import alive
from tests.ssh.world import World

pytestmark = [pytest.mark.root, pytest.mark.skipif(bool(unavailable()), reason=unavailable())]


@pytest.fixture
def fleet() -> Iterator[LoopbackFleet]:
    with LoopbackFleet(2) as up:
        yield up


async def test_hosts_are_machines_of_their_own_and_faults_are_told_apart(
    world: World, fleet: LoopbackFleet
) -> None:
    loaded = load(fleet.settings, environ={})
    specs = loaded.settings.node_specs()
    assert [spec.name for spec in specs] == ["h1", "h2"]
    ssh = loaded.settings.ssh.model_copy(update={"keepalive_s": 0.5, "connect_timeout_s": 1.0})
    network = SshNetwork(ssh)
    first, second = fleet.hosts
    try:
        text = await world.output(network, specs[0], "hostname; pwd; ls -A | wc -l; ls /proc")
        lines = text.split()
        assert lines[:3] == ["h1", "/root", "0"]
        assert str(first.init) not in lines or first.init < 100
        assert await world.output(network, specs[1], "hostname") == "h2\n"

        channel = await world.dial(network, specs[0])
        first.cut()
        with pytest.raises(LinkError) as caught:
            await channel.read()
        assert "keepalive" in caught.value.problem.text
        await channel.close()
        assert (await world.problem(network, specs[0])).kind is ProblemKind.TIMED_OUT
        assert await world.output(network, specs[1], "hostname") == "h2\n"
        first.heal()

        first.cut("reset")
        assert (await world.problem(network, specs[0])).kind is ProblemKind.REFUSED
        first.heal()
        first.swap_host_key()
        assert (await world.problem(network, specs[0])).kind is ProblemKind.HOST_KEY_CHANGED

        channel = await world.dial(network, specs[1])
        second.kill_session()
        with pytest.raises(LinkError):
            await channel.read()
        await channel.close()
        second.restart_sshd()
        assert await world.output(network, specs[1], "hostname") == "h2\n"
        assert second.exec(["hostname"]).stdout == b"h2\n"
    finally:
        await network.close()


def test_the_script_brings_up_and_takes_down_everything(tmp_path: Path) -> None:
    with LoopbackFleet(1) as fleet:
        pids = [host.init for host in fleet.hosts]
        again = LoopbackFleet(1, tmp_path / "second", fleet.number)
        with pytest.raises(RuntimeError, match="up already"):
            again.up()
        again.down()
        found = LoopbackFleet(root=fleet.folder, number=fleet.number).load()
        assert [host.running for host in found.hosts] == [True]
        fleet.down()  # inside: when the lock is free another test's fleet may take the number
        assert not fleet.folder.exists()
        assert not any(alive(pid) for pid in pids)
        links = [link.name for link in Path("/sys/class/net").iterdir()]
        assert fleet.bridge not in links
        assert not [name for name in links if name.startswith(f"{fleet.bridge}-")]


async def test_twenty_nodes_come_back_together_after_one_cut(
    world: World, fleet: LoopbackFleet
) -> None:
    spec = load(fleet.settings, environ={}).settings.node_specs()[0]
    network = SshNetwork(load(fleet.settings, environ={}).settings.ssh)
    try:
        channels = await asyncio.gather(*(world.dial(network, spec) for _ in range(20)))
        fleet.hosts[0].kill_session()
        for channel in channels:
            with pytest.raises(LinkError):
                await channel.read()
            await channel.close()
        channels = await asyncio.gather(*(world.dial(network, spec) for _ in range(20)))
        await asyncio.gather(*(channel.close() for channel in channels))
    finally:
        await network.close()
