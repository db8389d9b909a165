"""OpenSSH's command for work without a person: it reaches a real server, asks nothing and trusts nobody new."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from console.channels.unattended import Unattended
from tests.keys import generate_key
from tests.ssh.agents import ssh_agent
from tests.ssh.world import World, node
from tests.sshd import Sshd


async def ran(way: Unattended, *command: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *way.command,
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},  # as little as a supervisor gives
    )
    out, err = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode or 0, out.decode(), err.decode()


async def test_it_reaches_the_node_whatever_ssh_config_does(world: World, sshd: Sshd) -> None:
    world.know(sshd)
    world.config.write_text(
        "ForwardAgent yes\nRequestTTY force\nRemoteCommand echo hijacked\nLocalForward 1 localhost:1\n"
        "ControlMaster auto\nControlPath ~/none\nStrictHostKeyChecking no\n"
    )
    async with world.network() as network:
        way = await network.unattended(node(sshd))
    assert way.problem == ""
    assert await ran(way, "echo", "there") == (0, "there\n", "")


async def test_an_unknown_host_key_ends_it(world: World, sshd: Sshd) -> None:
    async with world.network() as network:
        way = await network.unattended(node(sshd))
    code, _, err = await ran(way, "true")
    assert code == 255
    assert "Host key verification failed" in err


async def test_a_key_of_the_agent_is_found_without_its_variable(
    world: World, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.know(sshd)
    with ssh_agent(sshd.key) as sock:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
        async with world.network() as network:
            way = await network.unattended(replace(node(sshd), identity=None))
        assert way.problem == ""
        assert await ran(way, "echo", "there") == (0, "there\n", "")


async def test_a_locked_key_is_said_and_asks_nobody(
    world: World, sshd: Sshd, tmp_path: Path
) -> None:
    world.know(sshd)
    locked = tmp_path / "locked"
    generate_key(locked, "secret")
    sshd.authorize(locked)
    async with world.network() as network:
        way = await network.unattended(replace(node(sshd), identity=str(locked)))
    assert way.problem.startswith(f"asks for a passphrase: {locked}")
    assert (await ran(way, "true"))[0] == 255


async def test_through_a_bastion(
    world: World, sshd: Sshd, sshd_factory: Callable[..., Sshd]
) -> None:
    bastion = sshd_factory(address="127.0.0.2")
    bastion.authorize(sshd.key)
    world.know(sshd, bastion)
    jump = f"{bastion.user}@{bastion.host}:{bastion.port}"
    async with world.network() as network:
        way = await network.unattended(replace(node(sshd), jump=jump))
    assert await ran(way, "echo", "beyond") == (0, "beyond\n", "")
