"""Which keys are offered, and what is said when none is taken."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from console.channels.prompt import PromptKind
from console.channels.ssh.command import ssh_command
from console.fleet.model import ProblemKind
from tests.keys import generate_key
from tests.ssh.agents import ssh_agent
from tests.ssh.world import Person, World, node
from tests.sshd import Sshd


@pytest.fixture
def wrong_keys(tmp_path: Path) -> list[Path]:
    return [generate_key(tmp_path / f"wrong{number}") for number in range(8)]


async def test_a_key_others_can_read_is_refused_as_openssh_does(world: World, sshd: Sshd) -> None:
    world.know(sshd)
    sshd.key.chmod(0o644)
    async with world.network() as network:
        problem = await world.problem(network, node(sshd))
        assert problem.kind is ProblemKind.CONFIGURATION
        assert "0644" in problem.text
        assert f"chmod 600 {sshd.key}" in problem.text
        sshd.key.chmod(0o600)
        assert await world.output(network, node(sshd), "echo in") == "in\n"


async def test_a_pinned_key_gets_in_although_the_agent_holds_eight_wrong_ones(
    world: World, sshd: Sshd, wrong_keys: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.know(sshd)
    with ssh_agent(*wrong_keys) as sock:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
        async with world.network() as network:
            assert await world.output(network, node(sshd), "echo in") == "in\n"
            world.config.write_text(f"IdentityFile {sshd.key}\n")
            assert await world.output(network, node(sshd, identity=None), "echo in") == "in\n"
            world.config.write_text("")
            problem = await world.problem(network, node(sshd, identity=None))
            assert problem.kind is ProblemKind.AUTHENTICATION
            assert "allows no more tries (8 keys were offered)" in problem.text
            assert "identity" in problem.remedy


async def test_the_agent_signs_for_a_key_whose_file_is_locked_or_public(
    world: World, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.know(sshd)
    public = tmp_path / "named.pub"
    public.write_text(Path(f"{sshd.key}.pub").read_text())
    with ssh_agent(sshd.key) as sock:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
        async with world.network() as network:
            spec = node(sshd, identity=str(public))
            assert await world.output(network, spec, "echo in") == "in\n"


async def test_an_agent_that_is_gone_is_named_and_the_file_is_still_tried(
    world: World, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.know(sshd)
    gone = tmp_path / "gone.sock"
    monkeypatch.setenv("SSH_AUTH_SOCK", str(gone))
    async with world.network() as network:
        assert await world.output(network, node(sshd), "echo in") == "in\n"
        problem = await world.problem(
            network, node(sshd, identity=str(generate_key(tmp_path / "k")))
        )
    assert problem.kind is ProblemKind.AUTHENTICATION
    assert f"the ssh-agent at {gone} (SSH_AUTH_SOCK)" in problem.text
    assert "it accepts publickey; 1 key was offered" in problem.text


async def test_an_encrypted_key_asks_once_and_opens_for_all_nodes(
    world: World, sshd: Sshd, tmp_path: Path
) -> None:
    world.know(sshd)
    locked = generate_key(tmp_path / "locked", passphrase="right phrase")
    sshd.authorize(locked)
    Path(f"{locked}.pub").unlink()  # its public half is in the file itself
    person = Person(["wrong phrase", "right phrase"])
    spec = node(sshd, identity=str(locked))
    async with world.network(person) as network:
        assert await world.output(network, spec, "echo in") == "in\n"
        assert [prompt.kind for prompt in person.prompts] == [PromptKind.PASSPHRASE] * 2
        assert "did not open it" in person.prompts[1].title
        assert not person.prompts[0].echo
        assert await world.output(network, spec, "echo again") == "again\n"
        assert len(person.prompts) == 2
    assert "right phrase" not in repr(vars(network))


async def test_a_locked_key_the_server_does_not_want_is_not_asked_for(
    world: World, sshd: Sshd, tmp_path: Path
) -> None:
    world.know(sshd)
    locked = generate_key(tmp_path / "locked", passphrase="right phrase")
    person = Person(["right phrase"])
    async with world.network(person) as network:
        problem = await world.problem(network, node(sshd, identity=str(locked)))
    assert problem.kind is ProblemKind.AUTHENTICATION
    assert person.prompts == []


async def test_a_locked_key_with_nobody_to_ask_is_said(
    world: World, sshd: Sshd, tmp_path: Path
) -> None:
    world.know(sshd)
    locked = generate_key(tmp_path / "locked", passphrase="right phrase")
    sshd.authorize(locked)
    async with world.network() as network:
        problem = await world.problem(network, node(sshd, identity=str(locked)))
    assert problem.kind is ProblemKind.AUTHENTICATION
    assert f"{locked} is encrypted and nobody can be asked" in problem.text


async def test_a_missing_key_file_is_a_matter_of_configuration(world: World, sshd: Sshd) -> None:
    world.know(sshd)
    async with world.network() as network:
        problem = await world.problem(network, node(sshd, identity="/nowhere/key"))
    assert problem.kind is ProblemKind.CONFIGURATION
    assert "/nowhere/key" in problem.text


async def test_a_key_taken_away_keeps_the_session_and_stops_the_next_login(
    world: World, sshd: Sshd
) -> None:
    world.know(sshd)
    async with world.network() as network:
        channel = await world.dial(network, node(sshd))
        sshd.deauthorize()
        await channel.write(b"still here")
        assert await channel.read() == b"still here"
        problem = await world.problem(network, node(sshd))
        assert problem.kind is ProblemKind.AUTHENTICATION
        assert problem.sticky
        await channel.close()


async def test_nothing_is_forwarded_whatever_the_config_says(
    world: World, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.know(sshd)
    world.config.write_text(
        "ForwardAgent yes\nForwardX11Trusted yes\nRequestTTY force\nSendEnv SECRET\n"
        "RemoteCommand echo hijacked\nSetEnv LC_MARK=seen\n"
    )
    monkeypatch.setenv("SECRET", "canary")
    with ssh_agent(sshd.key) as sock:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
        async with world.network() as network:
            text = await world.output(
                network, node(sshd), 'echo "[$SSH_AUTH_SOCK][$DISPLAY][$SECRET]"; tty'
            )
    assert text.splitlines() == ["[][][]", "not a tty"]


async def test_the_shell_forwards_nothing_either(
    world: World, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.know(sshd)
    world.config.write_text("ForwardAgent yes\nForwardX11 yes\nGSSAPIDelegateCredentials yes\n")
    monkeypatch.setenv("DISPLAY", ":7")
    with ssh_agent(sshd.key) as sock:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
        shell = ssh_command(node(sshd), world.settings())
        process = await asyncio.create_subprocess_exec(
            *shell,
            "echo [$SSH_AUTH_SOCK][$DISPLAY]",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await asyncio.wait_for(process.communicate(), 20)
    assert out.decode().strip() == "[][]", errors
