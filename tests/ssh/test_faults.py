"""The network and servers at their worst: each fault has its own words, and nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from typing import Any

import pytest

from console.errors import LinkError
from console.fleet.model import NodeSpec, ProblemKind
from tests.fault_proxy import FaultProxy
from tests.ssh.world import World, node, until
from tests.sshd import Sshd, SshdFactory

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listener(serve: Serve) -> AsyncIterator[NodeSpec]:
    """A server that is no sshd."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield NodeSpec("n1", address="127.0.0.1", port=port, user="ann")


async def test_each_way_of_not_answering_has_its_own_words(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with world.network() as network:
        refused = await world.problem(network, NodeSpec("n1", address="127.0.0.1", port=port))
        assert (refused.kind, refused.sticky) == (ProblemKind.REFUSED, False)
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        nameless = await world.problem(network, NodeSpec("n1", address="nowhere.invalid"))
    assert nameless.kind is ProblemKind.NAME_UNKNOWN
    assert "nowhere.invalid: no such host name" in nameless.text


async def test_a_mute_server_is_given_up_in_time(world: World) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def stuck(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-x\r\n")
        await mute(reader, writer)

    async with world.network(connect_timeout_s=0.5) as network:
        async with listener(mute) as spec:
            problem = await world.problem(network, spec)
        async with listener(stuck) as spec:
            later = await world.problem(network, spec)
    assert problem.kind is later.kind is ProblemKind.TIMED_OUT
    assert "did not greet within 0.5 s" in problem.text
    assert "drops large packets" in later.text


async def test_a_black_hole_times_out_and_holds_up_nobody(world: World, sshd: Sshd) -> None:
    world.know(sshd)
    # A listener that never accepts, its queue full: the kernel drops the SYN, as a firewall would.
    with closing(socket.socket()) as hole:
        hole.bind(("127.0.0.2", 0))
        hole.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(hole.getsockname())
        lost = NodeSpec("hole", address="127.0.0.2", port=hole.getsockname()[1])
        async with world.network(connect_timeout_s=1.5, max_handshakes=1) as network:
            holes = [asyncio.create_task(world.problem(network, lost)) for _ in range(4)]
            assert await world.output(network, node(sshd), "echo in") == "in\n"
            assert not any(task.done() for task in holes)
            problems = await asyncio.gather(*holes)
        for filler in fillers:
            filler.close()
    assert {problem.kind for problem in problems} == {ProblemKind.TIMED_OUT}


async def test_a_slow_name_server_holds_up_nobody(
    world: World, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.know(sshd)
    ask, release = socket.getaddrinfo, asyncio.Event()

    def slow(host: str, *rest: Any) -> Any:
        while host == "slow.example" and not release.is_set():
            time.sleep(0.02)
        return ask("127.0.0.1" if host == "slow.example" else host, *rest)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    async with world.network(connect_timeout_s=0.5) as network:
        slow_nodes = [
            asyncio.create_task(world.problem(network, NodeSpec("s", address="slow.example")))
            for _ in range(12)
        ]
        assert await world.output(network, node(sshd), "echo in") == "in\n"
        problems = await asyncio.gather(*slow_nodes)
    release.set()
    assert {problem.kind for problem in problems} == {ProblemKind.NAME_UNKNOWN}
    assert "name server does not answer" in problems[0].text


async def test_a_server_that_closes_before_its_greeting_is_recognised(world: World) -> None:
    accepted = []

    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(1)
        writer.write(b"Not allowed at this time\r\n")
        writer.close()

    async with listener(drop) as spec, world.network() as network:
        problem = await world.problem(network, spec)
        assert problem.kind is ProblemKind.THROTTLED
        assert "closed the connection before its greeting" in problem.text
        assert len(accepted) == 2  # once more after a moment, and then no storm
        for _ in range(5):
            problem = await world.problem(network, spec)
            assert problem.kind is ProblemKind.THROTTLED
            assert re.search(r"not tried for another (60|59|58) s", problem.text)
        assert len(accepted) == 2
        network.retrying()
        await world.problem(network, spec)
        assert len(accepted) == 4


async def test_what_is_no_ssh_server_is_said(world: World) -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 2000)
        writer.close()

    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-1.5-museum\r\n")
        await reader.read()
        writer.close()

    async with world.network() as network:
        async with listener(web) as spec:
            assert not (await world.problem(network, spec)).sticky
        async with listener(old) as spec:
            problem = await world.problem(network, spec)
    assert problem.kind is ProblemKind.CONFIGURATION
    assert "not an SSH 2 server" in problem.text


async def test_hostile_words_of_a_server_are_made_visible(
    world: World, sshd_factory: SshdFactory
) -> None:
    async def hostile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-x\r\n")
        words = b"\x1b]52;c;aGk=\x07 \xff\xfe \xe2\x80\xae go away"
        body = bytes([1]) + struct.pack(">I", 11) + _string(words) + _string(b"")
        padding = 8 - (5 + len(body)) % 8 + 8
        writer.write(struct.pack(">IB", 1 + len(body) + padding, padding) + body + bytes(padding))
        await reader.read()
        writer.close()

    def _string(data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + data

    banner = world.folder / "banner"
    banner.write_bytes(b"\x1b[2J\xff welcome\n")
    server = sshd_factory(extra=(f"Banner {banner}",))
    world.know(server)
    server.deauthorize()
    async with world.network() as network:
        async with listener(hostile) as spec:
            texts = [(await world.problem(network, spec)).text]
        texts.append((await world.problem(network, node(server))).text)
    assert "␛]52;c;aGk=␇ �� <U+202E> go away" in texts[0]
    assert "it says: ␛[2J� welcome" in texts[1]


async def test_a_server_with_nothing_but_old_algorithms_is_refused_unless_asked(
    world: World, sshd_factory: SshdFactory
) -> None:
    server = sshd_factory(extra=("Ciphers aes128-cbc", "KexAlgorithms diffie-hellman-group14-sha1"))
    world.know(server)
    async with world.network() as network:
        problem = await world.problem(network, node(server))
        # sshd hangs up without a word: now and then before its own offer has been read, and a lost
        # connection is simply tried again.
        for _ in range(20):
            if problem.kind is not ProblemKind.LOST:
                break
            problem = await world.problem(network, node(server))
        assert problem.kind is ProblemKind.CONFIGURATION
        assert "no common algorithm" in problem.text
        world.config.write_text("Ciphers +aes128-cbc\nKexAlgorithms +diffie-hellman-group14-sha1\n")
        assert await world.output(network, node(server), "echo in") == "in\n"
    world.config.write_text("")
    async with world.network(allow_legacy=True) as network:
        assert await world.output(network, node(server), "echo in") == "in\n"


async def test_bytes_that_are_no_text_pass_both_ways(world: World, sshd: Sshd) -> None:
    world.know(sshd)
    every = bytes(range(256)) * 5000
    async with world.network() as network:
        channel = await world.dial(network, node(sshd), r"printf '\377\376'; cat")
        sending = asyncio.create_task(channel.write(every))
        data = b""
        while len(data) < len(every) + 2:
            data += await channel.read()
        await sending
        assert data == b"\xff\xfe" + every
        await channel.close()


async def test_a_command_that_ends_closes_the_channel_and_leaves_its_words(
    world: World, sshd: Sshd
) -> None:
    world.know(sshd)
    async with world.network() as network:
        channel = await world.dial(network, node(sshd), "echo out; echo why >&2; exit 3")
        assert await channel.read() == b"out\n"
        assert await channel.read() == b""
        assert await channel.close() == "why\n"


async def test_a_killed_connection_is_lost_and_never_an_end(world: World, sshd: Sshd) -> None:
    world.know(sshd)
    async with world.network() as network:
        channel = await world.dial(network, node(sshd))
        sshd.kill_sessions()
        with pytest.raises(LinkError) as caught:
            await channel.read()
        assert caught.value.problem.kind is ProblemKind.LOST
        with pytest.raises(LinkError):
            await channel.write(b"x" * 65536)
        await channel.close()


async def test_half_open_and_reset_connections_are_noticed(world: World, sshd: Sshd) -> None:
    world.know(sshd)
    async with (
        FaultProxy(sshd.host, sshd.port) as proxy,
        world.network(keepalive_s=0.3, keepalive_count=2) as network,
    ):
        world.config.write_text(f"HostKeyAlias [{sshd.host}]:{sshd.port}\n")
        spec = replace(node(sshd), port=proxy.port)
        channel = await world.dial(network, spec)
        proxy.mute = True
        with pytest.raises(LinkError) as caught:
            await channel.read()
        assert "not responding to keepalive" in caught.value.problem.text
        await channel.close()
        proxy.mute = False
        channel = await world.dial(network, spec)
        proxy.reset()
        with pytest.raises(LinkError) as caught:
            await channel.read()
        assert caught.value.problem.kind is ProblemKind.LOST
        await channel.close()


async def test_a_slow_and_sliced_line_still_works(world: World, sshd: Sshd) -> None:
    world.know(sshd)
    async with FaultProxy(sshd.host, sshd.port) as proxy, world.network() as network:
        world.config.write_text(f"HostKeyAlias [{sshd.host}]:{sshd.port}\n")
        proxy.slice_bytes, proxy.delay_s = 700, 0.01
        spec = replace(node(sshd), port=proxy.port)
        assert await world.output(network, spec, "echo in") == "in\n"


async def test_one_session_is_enough_and_none_is_said(
    world: World, sshd_factory: SshdFactory
) -> None:
    one, none = sshd_factory(max_sessions=1), sshd_factory(max_sessions=0)
    world.know(one, none)
    async with world.network() as network:
        assert await world.output(network, node(one), "echo in") == "in\n"
        problem = await world.problem(network, node(none))
    assert "opens no session" in problem.text
    assert "MaxSessions" in problem.remedy


async def test_a_storm_of_sixty_nodes_stays_under_max_startups(
    world: World, sshd_factory: SshdFactory
) -> None:
    server = sshd_factory(max_startups="10:30:100")
    world.know(server)
    async with world.network() as network:
        specs = [node(server, f"n{number}") for number in range(60)]
        channels = await asyncio.gather(*(world.dial(network, spec) for spec in specs))
        await asyncio.gather(*(channel.close() for channel in channels))
    assert "drop connection" not in server.log.read_text()


async def test_cancelled_and_failed_dials_leave_no_process_and_no_descriptor(
    world: World, sshd: Sshd
) -> None:
    world.know(sshd)
    async with FaultProxy(sshd.host, sshd.port) as proxy, world.network() as network:
        world.config.write_text(f"HostKeyAlias [{sshd.host}]:{sshd.port}\n")
        spec = replace(node(sshd), port=proxy.port)
        await world.output(network, spec, "true")
        await until(lambda: not sshd.connections())
        before = len(os.listdir("/proc/self/fd"))
        for delay_ms in range(0, 60, 4):
            proxy.delay_s = 0.004
            dial = asyncio.create_task(world.dial(network, spec))
            await asyncio.sleep(delay_ms / 1000)
            dial.cancel()
            done = (await asyncio.wait({dial}))[0].pop()
            if not done.cancelled():
                await done.result().close()
        proxy.refuse = True
        assert (await world.problem(network, spec)).kind is ProblemKind.THROTTLED
        await until(lambda: not sshd.connections())
        await until(lambda: len(os.listdir("/proc/self/fd")) <= before)
