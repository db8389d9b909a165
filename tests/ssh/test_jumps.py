"""Bastions: one shared connection, checked as strictly as a node, and nothing left when it is cancelled."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import replace

import pytest

from console.channels.ssh import SshDialer
from console.channels.ssh.command import ssh_command
from console.errors import LinkError
from console.fleet.model import ProblemKind
from tests.fault_proxy import FaultProxy
from tests.ssh.agents import ssh_agent
from tests.ssh.world import World, node, until
from tests.sshd import Sshd, SshdFactory


@pytest.fixture
def bastion(sshd_factory: SshdFactory) -> Sshd:
    return sshd_factory(address="127.0.0.2")


def way(server: Sshd) -> str:
    return f"{server.user}@{server.host}:{server.port}"


def configure(world: World, *servers: Sshd) -> None:
    """Lets ssh_config give each server its key."""
    lines = [f"Host {server.host}\n  IdentityFile {server.key}\n" for server in servers]
    world.config.write_text("".join(lines))


async def test_nodes_behind_a_bastion_share_one_connection_to_it(
    world: World, sshd: Sshd, bastion: Sshd
) -> None:
    world.know(sshd, bastion)
    configure(world, bastion)
    async with world.network() as network:
        specs = [node(sshd, f"n{number}", jump=way(bastion)) for number in range(5)]
        channels = await asyncio.gather(*(world.dial(network, spec) for spec in specs))
        for channel in channels:
            await channel.write(b"hello")
            assert await channel.read() == b"hello"
        assert len(bastion.connections()) == 1
        assert len(sshd.connections()) == 5
        await asyncio.gather(*(channel.close() for channel in channels))
        await until(lambda: not sshd.connections())
    await until(lambda: not bastion.connections())
    assert f"through {bastion.host}" in world.steps


async def test_two_hops_named_by_ssh_config(
    world: World, sshd_factory: SshdFactory, sshd: Sshd, bastion: Sshd
) -> None:
    inner = sshd_factory(address="127.0.0.3")
    world.know(sshd, bastion, inner)
    world.config.write_text(
        f"Host goal\n  HostName {sshd.host}\n  Port {sshd.port}\n  IdentityFile {sshd.key}\n"
        f"  ProxyJump inner\n"
        f"Host inner\n  HostName {inner.host}\n  Port {inner.port}\n  IdentityFile {inner.key}\n"
        f"Host outer\n  HostName {bastion.host}\n  Port {bastion.port}\n"
        f"  IdentityFile {bastion.key}\n"
        "Host *\n  ProxyJump outer\n"
    )
    spec = replace(node(sshd, "goal"), address=None, port=None, identity=None)
    async with world.network() as network:
        route = await network.route(spec)
        assert [hop.alias for hop in route.hops] == ["outer", "inner", "goal"]
        assert await world.output(network, spec, "echo in") == "in\n"
        assert len(bastion.connections()) == len(inner.connections()) == 1
        direct = replace(spec, jump="none")
        assert len((await network.route(direct)).hops) == 1


async def test_cancelled_dials_leave_nothing_on_bastion_or_node(
    world: World, sshd: Sshd, bastion: Sshd
) -> None:
    world.know(sshd, bastion)
    async with FaultProxy(sshd.host, sshd.port) as proxy:
        world.config.write_text(
            f"Host {bastion.host}\n  IdentityFile {bastion.key}\n"
            f"Host {sshd.host}\n  HostKeyAlias [{sshd.host}]:{sshd.port}\n"
        )
        spec = replace(node(sshd, jump=way(bastion)), port=proxy.port)
        async with world.network() as network:
            for seconds in (0.0, 0.02, 0.05, 0.1, 0.2):
                proxy.mute = seconds < 0.1
                dial = asyncio.create_task(world.dial(network, spec))
                await asyncio.sleep(seconds)
                dial.cancel()
                done = (await asyncio.wait({dial}))[0].pop()
                if not done.cancelled():
                    await done.result().close()
            proxy.reset()
            await until(lambda: not sshd.connections())
            assert len(bastion.connections()) <= 1
            proxy.mute = False
            assert await world.output(network, spec, "echo in") == "in\n"
            # The kept connection goes by itself when nobody has needed it for a while.
            await until(lambda: not bastion.connections())


async def test_a_bastion_that_dies_takes_its_nodes_along_and_comes_back_with_them(
    world: World, sshd: Sshd, bastion: Sshd
) -> None:
    world.know(sshd, bastion)
    configure(world, bastion)
    spec = node(sshd, jump=way(bastion))
    async with world.network() as network:
        channel = await world.dial(network, spec)
        bastion.stop()
        with pytest.raises(LinkError) as caught:
            await channel.read()
        assert caught.value.problem.kind is ProblemKind.LOST
        await channel.close()
        refused = await world.problem(network, spec)
        assert refused.kind is ProblemKind.REFUSED
        assert refused.text.startswith("bastion 127.0.0.2")
        bastion.start()
        await asyncio.sleep(0)
        network.retrying()
        assert await world.output(network, spec, "echo in") == "in\n"


async def test_a_bastions_host_key_is_asked_about_like_any_other(
    world: World, sshd: Sshd, bastion: Sshd
) -> None:
    world.know(sshd)
    world.config.write_text(
        f"UserKnownHostsFile none\nGlobalKnownHostsFile {world.known_hosts}\n"
        f"StrictHostKeyChecking no\nHost {bastion.host}\n  IdentityFile {bastion.key}\n"
    )
    spec = node(sshd, jump=way(bastion))
    async with world.network(accept_new=("nobody",)) as network:
        problem = await world.problem(network, spec)
        assert problem.kind is ProblemKind.HOST_KEY_UNKNOWN
        assert problem.text.startswith("bastion 127.0.0.2")
        assert problem.host_key is not None
        assert problem.host_key.name == bastion.known_host_name
        network.trust(problem.host_key)
        assert await world.output(network, spec, "echo in") == "in\n"


async def test_nothing_is_forwarded_to_a_bastion_either(
    world: World, sshd: Sshd, bastion: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.know(sshd, bastion)
    configure(world, bastion)
    with world.config.open("a") as file:
        file.write("Host *\n  ForwardAgent yes\n")
    with ssh_agent(bastion.key) as sock:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
        async with world.network() as network:
            spec = node(sshd, jump=way(bastion))
            assert await world.output(network, spec, 'echo "[$SSH_AUTH_SOCK]"') == "[]\n"
    assert "auth-agent" not in bastion.log.read_text()


async def test_a_bastion_that_leads_nowhere_says_why(
    world: World, sshd: Sshd, bastion: Sshd
) -> None:
    world.know(sshd, bastion)
    configure(world, bastion)
    spec = node(sshd, jump=way(bastion))
    async with world.network() as network:
        sshd.stop()
        problem = await world.problem(network, spec)
        assert problem.kind is ProblemKind.UNREACHABLE
        assert "cannot reach 127.0.0.1" in problem.text
    bastion.extra.append("AllowTcpForwarding no")
    bastion.restart()
    async with world.network() as network:
        forbidden = await world.problem(network, spec)
        assert forbidden.kind is ProblemKind.CONFIGURATION
        assert "forbids the way" in forbidden.text


async def test_a_closed_dialer_leaves_no_connection(
    world: World, sshd: Sshd, bastion: Sshd
) -> None:
    world.know(sshd, bastion)
    configure(world, bastion)
    async with world.network() as network:
        dialer = SshDialer(node(sshd, jump=way(bastion)), network)
        await dialer.dial("cat", world.steps.append)
        await dialer.close()
        await until(lambda: not sshd.connections())
    await until(lambda: not bastion.connections())


async def test_the_shell_goes_the_same_way_with_the_same_trust(
    world: World, sshd: Sshd, bastion: Sshd
) -> None:
    configure(world, bastion)
    spec = node(sshd, jump=way(bastion))
    async with world.network() as network:
        for _ in range(2):  # bastion and node, trusted into our own file only
            host_key = (await world.problem(network, spec)).host_key
            assert host_key is not None
            network.trust(host_key)
    argv = ssh_command(spec, world.settings())
    done = subprocess.run(
        [*argv, "echo in; id -un"], capture_output=True, timeout=30, stdin=subprocess.DEVNULL
    )
    assert done.stdout.split() == [b"in", sshd.user.encode()], done.stderr
