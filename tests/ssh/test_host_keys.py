"""Host keys: unknown, changed, revoked are three different things, and nothing switches the check off."""

from __future__ import annotations

import asyncio
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from console.channels.ssh.known_hosts import KnownHosts, Standing, parse_line
from console.errors import Refused
from console.fleet.model import ProblemKind
from tests.keys import fingerprint, generate_key, public_line
from tests.ssh.world import World, node, until
from tests.sshd import Sshd, SshdFactory


async def test_an_unknown_key_waits_for_a_person_and_is_trusted_by_our_own_file_only(
    world: World, sshd: Sshd
) -> None:
    world.known_hosts.write_text("# the user's own\n")
    async with world.network() as network:
        problem = await world.problem(network, node(sshd))
        assert problem.kind is ProblemKind.HOST_KEY_UNKNOWN
        assert problem.sticky
        assert problem.host_key is not None
        assert problem.host_key.fingerprint == sshd.fingerprint
        assert problem.host_key.fingerprint in problem.text
        assert problem.host_key.name == sshd.known_host_name
        network.trust(problem.host_key, problem.host_key.fingerprint)
        assert await world.output(network, node(sshd), "echo in") == "in\n"
    assert world.own.read_text() == sshd.known_hosts_line
    assert stat.S_IMODE(world.own.stat().st_mode) == 0o600
    assert world.known_hosts.read_text() == "# the user's own\n"


async def test_trusting_refuses_a_key_other_than_the_one_that_was_shown(
    world: World, sshd: Sshd, tmp_path: Path
) -> None:
    async with world.network() as network:
        shown = (await world.problem(network, node(sshd))).host_key
        assert shown is not None
        other = generate_key(tmp_path / "other")
        false = replace(shown, line=f"{shown.name} {public_line(other)}")
        with pytest.raises(Refused, match="fingerprint"):
            network.trust(false)
        with pytest.raises(Refused, match="not SHA256:somethingelse"):
            network.trust(shown, "SHA256:somethingelse")
        with pytest.raises(Refused):
            network.trust(replace(shown, line=f"@cert-authority * {public_line(sshd.host_key)}"))
    assert not world.own.exists()


async def test_a_changed_key_is_blocked_with_both_fingerprints_the_line_and_the_way_out(
    world: World, sshd: Sshd
) -> None:
    world.know(sshd)
    before = sshd.fingerprint
    sshd.swap_host_key()
    async with world.network() as network:
        problem = await world.problem(network, node(sshd))
        assert problem.kind is ProblemKind.HOST_KEY_CHANGED
        assert before in problem.text
        assert sshd.fingerprint in problem.text
        assert f"{world.known_hosts}:1" in problem.text
        assert problem.host_key is not None
        assert problem.host_key.known_fingerprints == (before,)
        with pytest.raises(Refused, match="changed"):
            network.trust(problem.host_key)
        command = problem.remedy.partition("anew: ")[2]
        subprocess.run(["sh", "-c", command], check=True, capture_output=True)
        assert (await world.problem(network, node(sshd))).kind is ProblemKind.HOST_KEY_UNKNOWN


async def test_a_revoked_key_is_never_accepted(world: World, sshd: Sshd) -> None:
    world.know(sshd)
    with world.known_hosts.open("a") as file:
        file.write(f"@revoked * {public_line(sshd.host_key)}\n")
    async with world.network() as network:
        problem = await world.problem(network, node(sshd))
    assert problem.kind is ProblemKind.HOST_KEY_REVOKED
    assert f"{world.known_hosts}:2" in problem.text


async def test_revoked_host_keys_of_ssh_config_is_enforced(
    world: World, sshd: Sshd, tmp_path: Path
) -> None:
    world.know(sshd)
    listed = tmp_path / "revoked"
    listed.write_text(public_line(sshd.host_key) + "\n")
    world.config.write_text(f"RevokedHostKeys {listed}\n")
    async with world.network() as network:
        assert (await world.problem(network, node(sshd))).kind is ProblemKind.HOST_KEY_REVOKED
        listed.unlink()
        unreadable = await world.problem(network, node(sshd))
        assert unreadable.kind is ProblemKind.CONFIGURATION
        assert "RevokedHostKeys" in unreadable.text
        subprocess.run(["ssh-keygen", "-q", "-k", "-f", listed, f"{sshd.host_key}.pub"], check=True)
        assert "binary" in (await world.problem(network, node(sshd))).text


@pytest.mark.parametrize("value", ["none", "/dev/null"])
async def test_user_known_hosts_file_none_does_not_switch_the_check_off(
    world: World, sshd: Sshd, value: str
) -> None:
    world.config.write_text(f"Host *\n  UserKnownHostsFile {value}\n  StrictHostKeyChecking no\n")
    async with world.network() as network:
        problem = await world.problem(network, node(sshd))
        assert problem.kind is ProblemKind.HOST_KEY_UNKNOWN
        assert problem.host_key is not None
        network.trust(problem.host_key)
        sshd.swap_host_key()
        assert (await world.problem(network, node(sshd))).kind is ProblemKind.HOST_KEY_CHANGED


async def test_new_keys_are_accepted_unasked_only_where_the_settings_say_so(
    world: World, sshd: Sshd
) -> None:
    async with world.network(accept_new=("tag:lab",)) as network:
        other = await world.problem(network, node(sshd, tags=("office",)))
        assert other.kind is ProblemKind.HOST_KEY_UNKNOWN
        assert await world.output(network, node(sshd, tags=("lab",)), "echo in") == "in\n"
        assert world.own.read_text() == sshd.known_hosts_line
        sshd.swap_host_key()
        changed = await world.problem(network, node(sshd, tags=("lab",)))
        assert changed.kind is ProblemKind.HOST_KEY_CHANGED


async def test_hashed_names_and_aliases_are_found(world: World, sshd: Sshd) -> None:
    world.know(sshd)
    subprocess.run(
        ["ssh-keygen", "-q", "-H", "-f", world.known_hosts], check=True, capture_output=True
    )
    assert sshd.host not in world.known_hosts.read_text()
    async with world.network() as network:
        assert await world.output(network, node(sshd), "echo in") == "in\n"
        world.config.write_text("Host *\n  HostKeyAlias Rack-7\n")
        assert (await world.problem(network, node(sshd))).kind is ProblemKind.HOST_KEY_UNKNOWN
        world.known_hosts.write_text(f"rack-7 {public_line(sshd.host_key)}\n")
        assert await world.output(network, node(sshd), "echo in") == "in\n"


async def test_a_certificate_of_a_trusted_authority_is_enough(
    world: World, sshd_factory: SshdFactory, tmp_path: Path
) -> None:
    authority = generate_key(tmp_path / "ca")
    server = sshd_factory()
    sign = ["ssh-keygen", "-q", "-s", authority, "-I", "h", "-h", "-n", "127.0.0.1"]
    subprocess.run([*sign, f"{server.host_key}.pub"], check=True)
    server.extra.append(f"HostCertificate {server.host_key}-cert.pub")
    server.restart()
    world.known_hosts.write_text(f"@cert-authority *.example,127.0.0.* {public_line(authority)}\n")
    async with world.network() as network:
        # OpenSSH looks an authority up by [host]:port first and by the host alone after that.
        assert await world.output(network, node(server), "echo in") == "in\n"
        world.known_hosts.write_text(
            f"@cert-authority * {public_line(generate_key(tmp_path / 'false'))}\n"
        )
        assert (await world.problem(network, node(server))).kind is ProblemKind.HOST_KEY_CHANGED


async def test_a_server_that_announces_its_next_key_is_known_by_it_later(
    world: World, sshd_factory: SshdFactory, tmp_path: Path
) -> None:
    following = generate_key(tmp_path / "next", algorithm="ecdsa")
    server = sshd_factory(extra=(f"HostKey {following}",))
    world.know(server)
    users = world.known_hosts.read_text()
    async with world.network() as network:
        channel = await world.dial(network, node(server))
        await until(lambda: world.own.exists() and fingerprint_in(world.own, following))
        await channel.close()
        server.extra.clear()
        server.host_key = following
        server.options["HostKey"] = str(following)
        server.restart()
        assert await world.output(network, node(server), "echo in") == "in\n"
    assert world.known_hosts.read_text() == users


def fingerprint_in(path: Path, key: Path) -> bool:
    entries = [parse_line(line, "") for line in path.read_text().splitlines()]
    return fingerprint(key) in [entry.fingerprint for entry in entries if entry]


async def test_many_nodes_trusted_at_once_lose_no_line(world: World, tmp_path: Path) -> None:
    keys = [generate_key(tmp_path / f"k{n}") for n in range(8)]
    async with world.network() as network:
        known = KnownHosts((world.own,))
        lines = [f"host{n} {public_line(key)}" for n, key in enumerate(keys)]
        await asyncio.gather(
            *(
                asyncio.to_thread(network.own.change, lambda old, line=line: [*old, line])
                for line in lines
            )
        )
    assert sorted(world.own.read_text().splitlines()) == sorted(lines)
    blob = parse_line(lines[3], "").blob  # type: ignore[union-attr]
    assert known.judge("host3", blob).standing is Standing.TRUSTED
    assert known.judge("host4", blob).standing is Standing.CHANGED
    assert known.judge("host9", blob).standing is Standing.UNKNOWN


def test_lines_that_make_no_sense_do_not_hide_those_that_do(world: World, tmp_path: Path) -> None:
    key = generate_key(tmp_path / "key")
    good = f"[h]:2200,!bad.h,*.h {public_line(key)} a comment"
    noise = "\x00\n@nonsense a b c\nh ssh-rsa AAAA!!\n|1|x|y ssh-rsa AAAAB\nonly-a-name\n"
    world.known_hosts.write_bytes(noise.encode() + b"\xff\xfe\n" + good.encode() + b"\n")
    known = KnownHosts((world.known_hosts, tmp_path / "missing"))
    blob = parse_line(good, "").blob  # type: ignore[union-attr]
    assert known.judge("[h]:2200", blob).standing is Standing.TRUSTED
    assert known.judge("x.h", blob).standing is Standing.TRUSTED
    assert known.judge("bad.h", blob).standing is Standing.UNKNOWN
    assert known.judge("[h]:2201", blob).standing is Standing.UNKNOWN
