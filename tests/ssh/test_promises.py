"""What every connection promises, whatever the settings and ssh_config say."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from console.channels.ssh.algorithms import offered
from console.channels.ssh.endpoint import Algorithms
from console.channels.ssh.host_keys import HostKeyPolicy
from console.channels.ssh.known_hosts import KnownHosts
from console.channels.ssh.options import connection_options, session_options
from console.channels.ssh.routes import find_route
from console.fleet.model import NodeSpec
from tests.ssh.world import World, node
from tests.sshd import Sshd, SshdFactory

CONSOLE = Path(__file__).parents[2] / "console"


def test_every_option_that_could_leak_or_trust_is_explicit(world: World) -> None:
    world.config.write_text(
        "ForwardAgent yes\nForwardX11Trusted yes\nGSSAPIDelegateCredentials yes\n"
        "GSSAPIAuthentication yes\nUserKnownHostsFile none\nHostbasedAuthentication yes\n"
    )
    end = find_route(NodeSpec("h"), world.settings()).end
    policy = HostKeyPolicy(end, KnownHosts(()), False, None)
    options = connection_options(end, world.settings(), policy, [], lambda *_: None)
    assert options["config"] is None
    assert callable(options["known_hosts"])
    assert options["known_hosts"]("h", "", None) == ([], [], [], [], [], [], [])
    off = ("agent_forwarding", "x11_forwarding", "request_pty", "gss_kex", "gss_auth",
           "gss_delegate_creds", "host_based_auth")  # fmt: skip
    assert {options[name] for name in off} == {False}
    assert options["agent_path"] is None
    assert options["encoding"] is None
    assert options["utf8_decode_errors"] == "replace"
    assert options["keepalive_interval"] == 5.0
    assert options["keepalive_count_max"] == 3
    assert session_options(end)["request_pty"] is False


def test_asyncssh_connects_in_one_place_and_never_without_known_hosts() -> None:
    sources = {path: path.read_text() for path in CONSOLE.rglob("*.py")}
    calls = [
        path.name
        for path, text in sources.items()
        if re.search(r"asyncssh\.connect(_\w+)?\(", text)
    ]
    assert sorted(calls) == ["handshake.py", "keys.py"]  # keys.py: connect_agent
    assert not [path for path, text in sources.items() if re.search(r"known_hosts\W+None", text)]
    assert not [path for path, text in sources.items() if re.search(r"shell\s*=\s*True", text)]


@pytest.mark.parametrize("legacy", [False, True])
def test_no_weak_algorithm_is_offered_unasked(legacy: bool) -> None:
    names = {name for group in offered(Algorithms(), legacy).values() for name in group}
    weak = {name for name in names if re.search(r"sha1|md5|cbc|arcfour|dss|^ssh-rsa$", name)}
    assert bool(weak) is legacy
    assert "ssh-rsa" not in offered(Algorithms(host_key="-ssh-ed25519"), False)["signature_algs"]
    asked = offered(Algorithms(ciphers="+aes128-cbc", kex="^curve25519-sha256"), False)
    assert asked["encryption_algs"][-1] == "aes128-cbc"
    assert asked["encryption_algs"][0].endswith("gcm@openssh.com")
    assert asked["kex_algs"][0] == "curve25519-sha256"
    with pytest.raises(ValueError, match="known here"):
        offered(Algorithms(macs="nonsense"), False)


async def test_keys_change_under_load_without_a_lost_byte(
    world: World, sshd_factory: SshdFactory
) -> None:
    server = sshd_factory(extra=("RekeyLimit 1M",))
    world.know(server)
    size = 12_000_000
    async with world.network() as network:
        channel = await world.dial(network, node(server))
        sending = asyncio.create_task(channel.write(bytes(size)))
        received = 0
        while received < size:
            received += len(await channel.read())
        await sending
        assert received == size
        await channel.close()


async def test_what_is_not_read_does_not_pile_up_here(world: World, sshd: Sshd) -> None:
    world.know(sshd)
    async with world.network() as network:
        channel = await world.dial(network, node(sshd), "cat /dev/zero")
        await asyncio.sleep(1.0)  # it could send a gigabyte meanwhile
        assert len(await channel.read()) < 8 * 1024 * 1024
        other = await world.output(network, node(sshd), "echo in")
        assert other == "in\n"
        await channel.close()
