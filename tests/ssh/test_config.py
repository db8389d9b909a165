"""ssh_config as OpenSSH reads it, what we do not follow, and names that are no names."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from console.channels.ssh.command import ssh_command
from console.channels.ssh.compare import compare, parse
from console.channels.ssh.hosts import hosts
from console.channels.ssh.routes import find_route
from console.errors import LinkError
from console.fleet.model import NodeSpec, ProblemKind
from tests.keys import generate_key
from tests.ssh.world import World, node
from tests.sshd import Sshd

HOSTILE = (
    "$(touch PWNED)", "`touch PWNED`", "a;touch PWNED", "a b", "-oProxyCommand=touch PWNED", "a\nb",
    "a|b", "../../etc", "a'b", 'a"b', "", "a/b", "x" * 300, "é", "a%b", "{a}",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_names_reach_no_command_line(
    world: World, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(world.folder)
    world.config.write_text(
        'Match exec "true %h %n"\n  User ann\nHost *\n  ProxyCommand touch %h %r\n'
    )
    settings = world.settings()
    for spec in (
        NodeSpec("n", address=text),
        NodeSpec("n", address="h", user=text),
        NodeSpec("n", address="h", jump=f"{text}@b" if text else "@b"),
        NodeSpec("n", address="h", jump=f"{text or '-x'}:22"),
    ):
        if not (spec.address or spec.jump):
            continue
        with pytest.raises(LinkError) as caught:
            find_route(spec, settings)
        assert caught.value.problem.kind is ProblemKind.CONFIGURATION
        with pytest.raises(LinkError):
            ssh_command(spec, settings)
    assert not (world.folder / "PWNED").exists()


@pytest.mark.parametrize("line", ["HostName '$(touch PWNED)'", "User 'a b'", "HostName -x"])
async def test_hostile_names_from_the_config_are_refused_too(world: World, line: str) -> None:
    world.config.write_text(f"Host h\n  {line}\n")
    with pytest.raises(LinkError):
        find_route(NodeSpec("n", address="h"), world.settings())


def test_includes_are_sorted_so_that_the_first_value_is_openssh_s(world: World) -> None:
    folder = world.folder / "conf.d"
    folder.mkdir()
    for name in ("30", "10", "20", ".05"):
        (folder / name).write_text(f"Host h\n  User u{name.strip('.')}\n")
    world.config.write_text(f"Include {folder}/*\nInclude {folder}/missing/*\n")
    assert find_route(NodeSpec("h"), world.settings()).end.user == "u10"


def test_the_options_of_a_node_win_over_the_config(world: World, tmp_path: Path) -> None:
    key = generate_key(tmp_path / "k")
    world.config.write_text(
        "Host gpu-*\n  HostName %h.example\n  User ann\n  Port 2200\n  IdentityFile ~/.ssh/none\n"
        "  HostKeyAlias rack\n"
    )
    settings = world.settings()
    end = find_route(NodeSpec("gpu-1"), settings).end
    assert (end.host, end.user, end.port) == ("gpu-1.example", "ann", 2200)
    assert end.known_name == "rack"
    own = NodeSpec("gpu-1", user="bob", port=22, identity=str(key))
    end = find_route(own, settings).end
    assert (end.user, end.port, end.identities.files) == ("bob", 22, (key,))
    assert end.identities.only


def test_a_config_that_is_missing_is_empty_and_one_others_can_write_is_refused(
    world: World,
) -> None:
    missing = world.settings(config=world.folder / "missing")
    assert find_route(NodeSpec("h"), missing).end.host == "h"
    world.config.write_text("Host h\n  User ann\n")
    world.config.chmod(0o666)
    with pytest.raises(LinkError, match="bad owner or permissions"):
        find_route(NodeSpec("h"), world.settings())
    world.config.chmod(0o600)
    world.config.write_text("Port nonsense\n")
    with pytest.raises(LinkError, match="line 1"):
        find_route(NodeSpec("h"), world.settings())
    world.config.write_text(f"Include {world.config}\n")
    with pytest.raises(LinkError, match="nested Include"):
        find_route(NodeSpec("h"), world.settings())


def test_an_included_file_or_a_folder_that_others_can_write_is_refused(world: World) -> None:
    folder = world.folder / "conf.d"
    folder.mkdir()
    extra = folder / "extra"
    extra.write_text('Match exec "true"\n  User ann\n')
    world.config.write_text(f"Include {extra}\n")
    assert find_route(NodeSpec("h"), world.settings()).end.host == "h"
    for path, mode, before in ((extra, 0o666, 0o600), (folder, 0o777, 0o700)):
        path.chmod(mode)
        with pytest.raises(LinkError, match=re.escape(str(path))):
            find_route(NodeSpec("h"), world.settings())
        path.chmod(before)


@pytest.mark.skipif(shutil.which("nc") is None and shutil.which("socat") is None, reason="no nc")
async def test_a_proxy_command_by_a_tool_is_followed(world: World, sshd: Sshd) -> None:
    world.know(sshd)
    tool = "nc %h %p" if shutil.which("nc") else "socat - TCP:%h:%p"
    world.config.write_text(f"Host *\n  ProxyCommand exec {tool} 2>/dev/null\n")
    async with world.network() as network:
        assert await world.output(network, node(sshd), "echo in") == "in\n"


async def test_a_proxy_command_is_run_without_a_shell_and_its_complaint_is_shown(
    world: World, sshd: Sshd
) -> None:
    world.know(sshd)
    script = world.folder / "proxy"
    script.write_text(
        "#!/usr/bin/env python3\n"
        "import socket, sys, threading\n"
        "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def back():\n"
        "    while data := s.recv(65536):\n"
        "        sys.stdout.buffer.write(data); sys.stdout.buffer.flush()\n"
        "threading.Thread(target=back, daemon=True).start()\n"
        "while data := sys.stdin.buffer.raw.read(65536):\n"
        "    s.sendall(data)\n"
    )
    script.chmod(0o755)
    async with world.network() as network:
        world.config.write_text(f"Host *\n  ProxyCommand {script} %h %p\n")
        assert await world.output(network, node(sshd), "echo in") == "in\n"
        world.config.write_text("Host *\n  ProxyCommand sh -c 'echo no way >&2'\n")
        problem = await world.problem(network, node(sshd))
        assert problem.kind is ProblemKind.UNREACHABLE
        assert "no way" in problem.text
        world.config.write_text("Host *\n  ProxyCommand /nowhere/proxy %h\n")
        assert (await world.problem(network, node(sshd))).kind is ProblemKind.CONFIGURATION
        world.config.write_text("Host *\n  ProxyCommand nc %h %p | tee log\n")
        assert "needs a shell" in (await world.problem(network, node(sshd))).text


def test_the_picker_lists_concrete_hosts_of_all_files(world: World) -> None:
    more = world.folder / "more"
    more.write_text('Host delta\nHost=echo\nHost "un closed\nHost $(x) -x\n')
    world.config.write_text(
        f"Host alpha beta *.wild !not\n  User x\nInclude {more}\nMatch host gamma\nHost alpha ?\n"
    )
    assert hosts(world.config) == ("alpha", "beta", "delta", "echo")
    assert hosts(world.folder / "missing") == ()


async def test_what_openssh_would_do_differently_is_listed(world: World, sshd: Sshd) -> None:
    world.config.write_text(
        "Host 127.*\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n"
        "  ForwardAgent yes\n  ControlMaster auto\n  ControlPath /tmp/%C\n"
        "  LocalForward 8080 localhost:80\n  KnownHostsCommand /bin/true\n"
    )
    async with world.network() as network:
        found = {each.option: each.text for each in await network.differences(node(sshd))}
        assert {
            "stricthostkeychecking", "userknownhostsfile", "forwardagent", "controlmaster",
            "localforward", "knownhostscommand", "identitiesonly",
        } <= set(found)  # fmt: skip
        assert "hostname" not in found
        assert "proxyjump" not in found
        world.config.write_text("")
        assert {each.option for each in await network.differences(node(sshd))} <= {"identitiesonly"}
        world.config.write_text("NoSuchOption yes\n")
        refused = await network.differences(node(sshd))
        assert "OpenSSH refuses this configuration" in refused[0].text


def test_a_different_way_or_place_is_said_first(world: World) -> None:
    route = find_route(NodeSpec("h", user="ann"), world.settings())
    theirs = parse("hostname other\nuser ann\nport 22\nproxyjump bastion\nidentityfile /no\n")
    words = [each.text for each in compare(route, theirs)]
    assert words[:2] == [
        "ssh would use hostname other, we use h",
        "ssh goes through bastion, we go directly",
    ]


async def test_a_route_follows_the_file_as_it_is_now(world: World, sshd: Sshd) -> None:
    world.know(sshd)
    spec = replace(node(sshd), user=None)
    world.config.write_text("Host *\n  User nobody-there\n")
    async with world.network() as network:
        assert (await world.problem(network, spec)).kind is ProblemKind.AUTHENTICATION
        world.config.write_text(f"Host *\n  User {sshd.user}\n")
        assert await world.output(network, spec, "echo in") == "in\n"
