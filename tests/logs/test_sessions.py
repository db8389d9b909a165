"""A log followed from the console: each byte once, whatever becomes of the link; and bounded in memory."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from console.channels import bundle
from console.channels.channel import Channel, Dialer
from console.channels.local import LocalDialer
from console.channels.memory import MemoryDialer
from console.channels.ssh import SshDialer
from console.errors import RequestFailed
from console.fleet.events import HeartbeatArrived, LinkLost, LinkUp, SampleArrived
from console.fleet.model import NodeSpec, Transport
from console.sessions import session as session_module
from console.sessions import tail as tail_module
from console.sessions.session import Session
from tests.agents import EventLog
from tests.fault_proxy import FaultProxy
from tests.logs.world import (
    RUN_ID,
    SMALL,
    Reports,
    append,
    begin_attempt,
    bytes_of,
    end_run,
    ended,
    make_run,
    notes_of,
    numbered,
    writer,
)
from tests.protocol.examples import EXAMPLES
from tests.runtimes import home_environment
from tests.ssh.world import World
from tests.sshd import Sshd
from workers.protocol import (
    CONSOLE_MESSAGES,
    DATA,
    OUT,
    FrameDecoder,
    Heartbeat,
    LogChunk,
    LogPosition,
    OpenTail,
    TailCredit,
    TailEnded,
    TailNote,
    decode_message,
    encode_frame,
    encode_message,
)
from workers.supervisor.rotation import Rotator
from workers.supervisor.run import Run

FOLLOWED = OpenTail(RUN_ID, back_bytes=-1)


def run_at(home: Path) -> Run:
    return make_run(home / ".local" / "state" / "quarterdeck")


@asynccontextmanager
async def session_over(dialer: Dialer) -> AsyncIterator[tuple[Session, EventLog]]:
    log = EventLog()
    session = Session(NodeSpec("n1", Transport.MEMORY), dialer, log, bundle.build())
    task = asyncio.create_task(session.run())
    try:
        yield session, log
    finally:
        await session.close()
        assert task.done()


async def collect(session: Session, ask: OpenTail, into: list[Any]) -> None:
    async with aclosing(session.tail(ask)) as items:
        async for item in items:
            into.append(item)


async def until(holds: Any, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)


@pytest.fixture
def quick_return(monkeypatch: pytest.MonkeyPatch) -> None:
    """The back-off is tried elsewhere."""
    monkeypatch.setattr(session_module.Backoff, "delay_s", lambda *_: 0.01)


# ---------------------------------------------------------------- lost links


@pytest.mark.usefixtures("quick_return")
@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=pytest.mark.long)])
async def test_agents_that_die_cost_no_byte_and_double_none(tmp_path: Path, kills: int) -> None:
    """Killed while a writer writes at full speed and its log is rotated under all of them."""
    home = tmp_path / "home"
    environment = home_environment(home)
    run = run_at(home)
    paths, items = run.paths.attempt(1), []
    rotator = Rotator(paths, Reports(), SMALL)
    lines = 30_000 * kills
    async with session_over(LocalDialer(environment)) as (session, log):
        reading = asyncio.create_task(collect(session, FOLLOWED, items))
        with writer(paths, lines, pause_every=30) as process:
            for _ in range(kills):
                before = len(log.of(LinkUp))
                await until(lambda: len(log.of(LinkUp)) > before or log.of(LinkUp))  # noqa: B023
                up = log.of(LinkUp)[-1]
                got = len(items)
                await until(lambda: rotator.step() >= 0 and len(items) > got + 3)  # noqa: B023
                os.kill(up.hello.pid, signal.SIGKILL)
                await log.wait(LinkUp, after=log.events.index(up) + 1)
            process.kill()
            process.wait()
        end_run(run)
        await asyncio.wait_for(reading, 60)
    rotator.close()
    size = os.stat(paths.log("out")).st_size
    assert bytes_of(items) == numbered(0, lines)[:size]
    assert ended(items).reason == "over"
    assert len(notes_of(items, "waiting")) == len(notes_of(items, "resumed")) == kills
    assert "the log goes on at byte" in notes_of(items, "resumed")[0].text
    assert not notes_of(items, "gap", "truncated")


@pytest.mark.usefixtures("quick_return")
@pytest.mark.parametrize("resets", [4, pytest.param(100, marks=pytest.mark.long)])
async def test_connections_cut_in_the_middle_of_a_tail_resume_at_the_byte(
    tmp_path: Path, sshd: Sshd, resets: int
) -> None:
    """RST between two bytes of a frame, over a real sshd, while the log grows."""
    run = run_at(sshd.home)
    paths, items = run.paths.attempt(1), []
    append(paths.log("out"), numbered(0, 10_000))
    world = World(tmp_path)
    async with FaultProxy(sshd.host, sshd.port) as proxy, world.network() as network:
        spec = NodeSpec(
            "n1", address=sshd.host, port=proxy.port, user=sshd.user, identity=str(sshd.key)
        )
        known = f"[{sshd.host}]:{proxy.port} " + sshd.known_hosts_line.split(" ", 1)[1]
        world.known_hosts.write_text(known)
        async with session_over(SshDialer(spec, network)) as (session, log):
            reading = asyncio.create_task(collect(session, FOLLOWED, items))
            await until(lambda: len(bytes_of(items)) == len(numbered(0, 10_000)))
            wrote = 10_000
            for turn in range(resets):
                proxy.slice_bytes = 1000 + 777 * turn % 5000
                append(paths.log("out"), numbered(wrote, wrote + 5_000))
                wrote += 5_000
                got = len(items)
                await until(lambda: len(items) > got)  # noqa: B023
                up = log.of(LinkUp)[-1]
                proxy.reset()
                await log.wait(LinkUp, after=log.events.index(up) + 1)
            end_run(run)
            await asyncio.wait_for(reading, 60)
    assert bytes_of(items) == numbered(0, wrote)
    assert len(notes_of(items, "resumed")) == resets


@pytest.mark.usefixtures("quick_return")
async def test_a_new_attempt_while_the_link_is_gone_is_not_missed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    run, items = run_at(home), []
    append(run.paths.attempt(1).log("out"), b"one\n")
    async with session_over(LocalDialer(home_environment(home))) as (session, log):
        reading = asyncio.create_task(collect(session, FOLLOWED, items))
        await until(lambda: bytes_of(items) == b"one\n")
        up = log.of(LinkUp)[-1]
        os.kill(up.hello.pid, signal.SIGKILL)
        append(run.paths.attempt(1).log("err"), b"dies\n")
        run.append("exited", attempt=1, code=1)
        append(begin_attempt(run, 2).log("out"), b"two\n")
        await log.wait(LinkUp, after=log.events.index(up) + 1)
        end_run(run)
        await asyncio.wait_for(reading, 30)
    assert bytes_of(items) == b"one\ndies\ntwo\n"
    assert len(notes_of(items, "attempt")) == 1


async def test_without_a_link_only_who_follows_waits(tmp_path: Path) -> None:
    async def never(channel: Channel) -> None:
        await asyncio.sleep(60)

    async with session_over(MemoryDialer(never)) as (session, _):
        with pytest.raises(RequestFailed, match="not connected"):
            await collect(session, FOLLOWED._replace(follow=False), [])
        waiting = asyncio.create_task(collect(session, FOLLOWED, []))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await session.close()
        with pytest.raises(RequestFailed, match="not connected"):
            await asyncio.wait_for(waiting, 10)


# ---------------------------------------------------------------- bounded, and in nobody's way


async def test_a_reader_that_pauses_holds_the_node_and_nothing_else(tmp_path: Path) -> None:
    home = tmp_path / "home"
    run = run_at(home)
    content = numbered(0, 80_000)
    append(run.paths.attempt(1).log("out"), content)
    async with session_over(LocalDialer(home_environment(home))) as (session, log):
        await log.wait(LinkUp)
        async with aclosing(session.tail(FOLLOWED)) as paused:
            first = await anext(paused)
            assert isinstance(first, LogChunk)
            size = len(first.data)
            for kind in (SampleArrived, HeartbeatArrived):
                before = len(log.of(kind))
                await until(lambda: len(log.of(kind)) > before + 1)  # noqa: B023
            other: list[Any] = []
            reading = asyncio.create_task(collect(session, FOLLOWED._replace(follow=False), other))
            await asyncio.wait_for(reading, 30)
            assert bytes_of(other) == content
            async for item in paused:
                size += len(item.data) if isinstance(item, LogChunk) else 0
                if size == len(content):
                    break
        assert not log.of(LinkLost)


async def test_on_a_starved_line_heartbeats_come_before_the_log(tmp_path: Path, sshd: Sshd) -> None:
    """64 kbit/s, and more log than the line can ever carry."""
    run = run_at(sshd.home)
    append(run.paths.attempt(1).log("out"), numbered(0, 60_000))
    world, items = World(tmp_path), []
    async with FaultProxy(sshd.host, sshd.port) as proxy, world.network() as network:
        spec = NodeSpec(
            "n1", address=sshd.host, port=proxy.port, user=sshd.user, identity=str(sshd.key)
        )
        known = f"[{sshd.host}]:{proxy.port} " + sshd.known_hosts_line.split(" ", 1)[1]
        world.known_hosts.write_text(known)
        async with session_over(SshDialer(spec, network)) as (session, log):
            await log.wait(SampleArrived)
            proxy.rate, proxy.slice_bytes = 8_000.0, 512
            reading = asyncio.create_task(collect(session, FOLLOWED, items))
            await until(lambda: len(log.of(HeartbeatArrived)) > 8)
            arrived = [event.at for event in log.of(HeartbeatArrived)]
            reading.cancel()
            assert not log.of(LinkLost)
    gaps = [later - earlier for earlier, later in pairwise(arrived)]
    assert max(gaps[2:]) < 6.0, "twice what would be called stale"
    assert len(bytes_of(items)) > 10_000, "the log comes too"
    assert numbered(0, 60_000).startswith(bytes_of(items))


# ---------------------------------------------------------------- agents that lie


class Liar:
    """An agent that plays a script after a proper hello."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.decoder = FrameDecoder()
        self.asked: list[tuple[int, Any]] = []

    async def hello(self) -> int:
        """The stream of the first tail that is asked for."""
        await self.channel.write(encode_message(EXAMPLES[0]))
        await self.channel.write(encode_message(Heartbeat(1, time.time(), 1.0)))
        while True:
            for frame in self.decoder.feed(await self.channel.read()):
                message = decode_message(frame.payload, CONSOLE_MESSAGES)
                self.asked.append((frame.stream, message))
                if isinstance(message, OpenTail):
                    return frame.stream

    async def data(self, stream: int, payload: bytes) -> None:
        await self.channel.write(encode_frame(DATA, stream, payload))

    async def say(self, stream: int, message: Any) -> None:
        await self.channel.write(encode_message(message, stream))


def chunk(offset: int, data: bytes) -> bytes:
    return LogChunk(1, OUT, offset, 0.0, data).encode()


async def heard(script: Any, ask: OpenTail = FOLLOWED) -> list[Any]:
    """What a reader is given by an agent that plays the script."""

    async def serve(channel: Channel) -> None:
        liar = Liar(channel)
        await script(liar, await liar.hello())
        await asyncio.sleep(30)

    items: list[Any] = []
    async with session_over(MemoryDialer(serve)) as (session, _):
        await asyncio.wait_for(collect(session, ask, items), 20)
    return items


async def test_bytes_sent_twice_are_given_once_and_missing_ones_are_told() -> None:
    async def script(liar: Liar, stream: int) -> None:
        for offset, data in ((0, b"abc"), (0, b"abc"), (1, b"bcde"), (9, b"xyz"), (12, b"")):
            await liar.data(stream, chunk(offset, data))
        await liar.say(stream, TailEnded("over"))
        await liar.data(stream, chunk(12, b"after the end"))

    items = await heard(script)
    assert bytes_of(items) == b"abcdexyz"
    assert [(note.kind, note.bytes) for note in notes_of(items)] == [("gap", 4)]


@pytest.mark.usefixtures("quick_return")
@pytest.mark.parametrize("lie", ["too much", "too many notes", "no chunk", "another stream"])
async def test_an_agent_that_breaks_the_rules_is_cut_off_and_costs_no_memory(
    lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_module, "MOST_ITEMS", 500)
    turns = 0

    async def script(liar: Liar, stream: int) -> None:
        nonlocal turns
        turns += 1
        if turns > 1:
            await liar.say(stream, TailEnded("closed", "honest at last"))
        elif lie == "too much":
            for turn in range(200):
                await liar.data(stream, chunk(turn * 100_000, b"x" * 100_000))
        elif lie == "too many notes":
            await asyncio.gather(*(liar.say(stream, TailNote("gap", "y")) for _ in range(5000)))
        elif lie == "no chunk":
            await liar.data(stream, b"short")
        else:
            await liar.data(stream + 7, chunk(0, b"for nobody"))
            await liar.say(stream, TailEnded("closed", "honest at last"))

    async def serve(channel: Channel) -> None:
        liar = Liar(channel)
        await script(liar, await liar.hello())
        await asyncio.sleep(30)

    found: list[Any] = []
    async with session_over(MemoryDialer(serve)) as (session, log):
        reading = session.tail(FOLLOWED)
        found.append(await asyncio.wait_for(anext(reading), 20))
        if lie != "another stream":
            lost = await log.wait(LinkLost)
            assert "not the protocol" in lost.problem.text
        found += [item async for item in reading]
    assert ended(found).text == "honest at last"
    assert b"for nobody" not in bytes_of(found)


async def test_what_is_read_is_granted_again() -> None:
    granted = 0

    async def script(liar: Liar, stream: int) -> None:
        nonlocal granted
        room, offset = 64 * 1024, 0
        while offset < 400_000:
            if room < 10_021:
                for frame in liar.decoder.feed(await liar.channel.read()):
                    message = decode_message(frame.payload, CONSOLE_MESSAGES)
                    if isinstance(message, TailCredit):
                        room += message.bytes
                        granted += message.bytes
                continue
            await liar.data(stream, chunk(offset, b"z" * 10_000))
            offset += 10_000
            room -= 10_021
        await liar.say(stream, TailEnded("over"))

    items = await heard(script, FOLLOWED._replace(window_bytes=64 * 1024))
    assert len(bytes_of(items)) == 400_000
    assert granted >= 300_000


async def test_a_tail_that_is_closed_is_closed_on_the_node() -> None:
    closed = asyncio.Event()

    async def serve(channel: Channel) -> None:
        liar = Liar(channel)
        stream = await liar.hello()
        await liar.data(stream, chunk(0, b"a"))
        while data := await channel.read():
            for frame in liar.decoder.feed(data):
                if b"close_tail" in frame.payload and frame.stream == stream:
                    closed.set()

    async with session_over(MemoryDialer(serve)) as (session, _):
        async with aclosing(session.tail(FOLLOWED)) as items:
            assert isinstance(await anext(items), LogChunk)
        await asyncio.wait_for(closed.wait(), 10)


def test_a_place_follows_notes_and_chunks() -> None:
    place = tail_module.Place()
    assert place.positions == ()
    place.note(TailNote("start", "", 1, OUT, 100))
    assert place.positions == (LogPosition(1, OUT, 100),)
    assert place.take(LogChunk(1, OUT, 100, 0.0, b"abc"))
    place.note(TailNote("truncated", "", 1, OUT, 2**48, 5))
    assert place.take(LogChunk(1, OUT, 2**48, 0.0, b"x")) == [LogChunk(1, OUT, 2**48, 0.0, b"x")]
    place.note(TailNote("attempt", "", 2, OUT, 0))
    assert place.positions == (LogPosition(2, OUT, 0),)
