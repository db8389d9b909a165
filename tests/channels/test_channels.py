"""One suite over every way to a node: what a channel promises, and what a session makes of it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from console.channels import bundle
from console.channels.channel import Channel
from console.errors import LinkError
from console.fleet.events import HeartbeatArrived, LinkLost, LinkUp, SampleArrived
from console.sessions.session import Session
from tests.agents import EventLog
from tests.channels import ways
from tests.channels.ways import Way
from tests.processes import alive
from tests.sshd import Sshd
from workers.protocol import Configure, ListProcesses, ProcessTable

WAYS = ("local", "memory", "ssh")
ALL_BYTES = bytes(range(256))
CAT = "exec /bin/sh -c 'exec cat'"


async def _echo(channel: Channel) -> None:
    while data := await channel.read():
        await channel.write(data)
    await channel.close()


@asynccontextmanager
async def way_called(name: str, request: pytest.FixtureRequest, echo: bool) -> AsyncIterator[Way]:
    if name == "ssh":
        server: Sshd = request.getfixturevalue("sshd")
        async with ways.ssh(server) as way:
            yield way
    elif name == "memory":
        async with ways.memory(_echo) if echo else ways.memory() as way:
            yield way
    else:
        async with ways.local(request.getfixturevalue("tmp_path")) as way:
            yield way


@pytest.fixture(params=WAYS)
async def cat(request: pytest.FixtureRequest) -> AsyncIterator[Channel]:
    """A channel whose far end sends back what it gets."""
    async with way_called(request.param, request, echo=True) as way:
        channel = await way.dialer.dial(CAT, lambda _: None)
        try:
            yield channel
        finally:
            await channel.close()
            await way.dialer.close()


@pytest.fixture(params=WAYS)
async def way(request: pytest.FixtureRequest) -> AsyncIterator[Way]:
    """A way whose far end is a real agent."""
    async with way_called(request.param, request, echo=False) as found:
        yield found


async def read(channel: Channel, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = await asyncio.wait_for(channel.read(), 20)
        assert piece, f"it ended after {len(data)} bytes"
        data += piece
    return data


# ---------------------------------------------------------------- the channel


async def test_bytes_arrive_as_they_were_sent(cat: Channel) -> None:
    await cat.write(ALL_BYTES)
    assert await read(cat, 256) == ALL_BYTES


async def test_much_at_once_arrives_in_order(cat: Channel) -> None:
    data = os.urandom(3 * 1024 * 1024)
    writing = asyncio.create_task(cat.write(data))
    assert await read(cat, len(data)) == data
    await writing


async def test_a_far_end_that_does_not_read_makes_the_writer_wait(cat: Channel) -> None:
    """Nobody reads the echo, so what is on the way is bounded."""

    async def pour() -> None:
        while True:
            await cat.write(b"x" * 1024 * 1024)

    pouring = asyncio.create_task(pour())
    done, _ = await asyncio.wait([pouring], timeout=1.0)
    assert not done
    pouring.cancel()


async def test_after_the_end_reading_gives_nothing_and_writing_says_so(cat: Channel) -> None:
    async def pour() -> None:
        for _ in range(3):
            await cat.write(b"x" * 1024 * 1024)

    await cat.close()
    with pytest.raises(LinkError):
        await pour()


async def test_closing_twice_is_harmless(cat: Channel) -> None:
    await cat.close()
    await cat.close()


# ---------------------------------------------------------------- the session


@asynccontextmanager
async def running(way: Way) -> AsyncIterator[tuple[Session, EventLog]]:
    log = EventLog()
    session = Session(way.spec, way.dialer, log, bundle.build())
    task = asyncio.create_task(session.run())
    try:
        yield session, log
    finally:
        await session.close()
        assert task.done()


async def test_a_session_brings_samples(way: Way) -> None:
    async with running(way) as (_, log):
        up = await log.wait(LinkUp)
        assert up.node == way.spec.name
        sample = await log.wait(
            SampleArrived, lambda event: event.sample.host.cpu_percent is not None
        )
        assert sample.sample.host.memory.total_bytes
        beat = await log.wait(HeartbeatArrived, lambda event: event.round_trip_s is not None)
        assert beat.round_trip_s is not None
        assert beat.round_trip_s < 10


async def test_requests_get_their_replies(way: Way) -> None:
    async with running(way) as (session, log):
        up = await log.wait(LinkUp)
        replies = await asyncio.gather(*(session.request(ListProcesses(n)) for n in (1, 2, 3)))
        assert [len(reply.processes) for reply in replies] == [1, 2, 3]
        table = await session.request(ListProcesses())
        assert isinstance(table, ProcessTable)
        assert up.hello.pid in {process.pid for process in table.processes}


async def test_interest_is_changed_while_it_runs(way: Way) -> None:
    async with running(way) as (session, log):
        await log.wait(SampleArrived)
        session.configure(Configure(interest="full", interval_s=0.2))
        full = await log.wait(SampleArrived, lambda event: bool(event.sample.host.core_percents))
        assert len(full.sample.host.core_percents) == os.cpu_count()


async def test_nothing_is_left_running(way: Way) -> None:
    async with running(way) as (_, log):
        up = await log.wait(LinkUp)
        assert alive(up.hello.pid)
    deadline = asyncio.get_running_loop().time() + 10
    while alive(up.hello.pid):
        assert asyncio.get_running_loop().time() < deadline, "the agent outlived its session"
        await asyncio.sleep(0.02)


# ---------------------------------------------------------------- login noise over the real thing


async def test_noise_of_a_login_over_ssh_is_a_warning(sshd: Sshd) -> None:
    """Debian's bash reads .bashrc for commands that come over SSH."""
    (sshd.home / ".bashrc").write_text("echo 'You have mail.'\n")
    async with ways.ssh(sshd) as way, running(way) as (_, log):
        up = await log.wait(LinkUp)
        said = " ".join(up.hello.warnings)
        assert not said or "You have mail." in said
        await log.wait(SampleArrived)


async def test_a_forced_command_is_quoted_and_not_tried_again(sshd: Sshd, tmp_path: Path) -> None:
    sshd.deauthorize()
    sshd.authorize(sshd.key, 'command="echo only backups here"')
    async with ways.ssh(sshd) as way, running(way) as (_, log):
        lost = await log.wait(LinkLost)
        assert "only backups here" in lost.problem.text
        assert lost.retry_at is None


async def test_sessions_live_on_when_the_listener_is_killed(sshd: Sshd) -> None:
    async with ways.ssh(sshd) as way, running(way) as (_, log):
        await log.wait(SampleArrived)
        os.kill(sshd.pid, signal.SIGKILL)
        position = len(log.events)
        for _ in range(2):
            beat = await log.wait(HeartbeatArrived, after=position)
            position = log.events.index(beat) + 1
        assert not log.of(LinkLost)
        assert len(log.of(LinkUp)) == 1


async def test_a_killed_ssh_session_is_made_again(sshd: Sshd) -> None:
    async with ways.ssh(sshd) as way, running(way) as (_, log):
        await log.wait(LinkUp)
        position = len(log.events)
        sshd.kill_sessions()
        await log.wait(LinkUp, after=position)
        await log.wait(SampleArrived, after=position)
