"""A session against agents that die, lie, flood and fall silent."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from console.channels import bundle
from console.channels.channel import Channel, Dialer
from console.channels.local import LocalDialer
from console.channels.memory import MemoryDialer
from console.errors import LinkError, RequestFailed, RequestLost
from console.fleet.events import (
    HeartbeatArrived,
    LinkLost,
    LinkOpening,
    LinkUp,
    NoticeArrived,
    SampleArrived,
)
from console.fleet.model import NodeSpec, Problem, ProblemKind, Transport
from console.sessions import bootstrap, link
from console.sessions import session as session_module
from console.sessions.session import Session
from tests.agents import EventLog
from tests.processes import alive
from tests.protocol.examples import EXAMPLES
from tests.sessions.shells import ShellDialer
from workers.protocol import (
    CONSOLE_MESSAGES,
    PROTOCOL_VERSION,
    Configure,
    Failure,
    FrameDecoder,
    Heartbeat,
    Hello,
    Host,
    ListProcesses,
    Notice,
    ProcessTable,
    Sample,
    decode_message,
    encode_frame,
    encode_message,
)

HELLO: Hello = EXAMPLES[0]
Script = Callable[["Far"], Awaitable[None]]


class Far:
    """The agent's end of a memory channel, played by a test."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._decoder = FrameDecoder()
        self._inbox: list[tuple[int, Any]] = []

    async def send(self, message: Any, stream: int = 0) -> None:
        await self.channel.write(encode_message(message, stream))

    async def receive(self, kind: type[Any]) -> tuple[int, Any]:
        while True:
            while self._inbox:
                stream, message = self._inbox.pop(0)
                if isinstance(message, kind):
                    return stream, message
            data = await self.channel.read()
            if not data:
                raise asyncio.CancelledError
            for frame in self._decoder.feed(data):
                self._inbox.append((frame.stream, decode_message(frame.payload, CONSOLE_MESSAGES)))

    async def beat(self, interval_s: float = 0.1) -> None:
        """Heartbeats until the link ends."""
        sequence = 0
        while True:
            sequence += 1
            await self.send(Heartbeat(sequence, time.time(), time.monotonic()))
            await asyncio.sleep(interval_s)


def agents(*scripts: Script) -> MemoryDialer:
    """A dialer whose n-th agent plays the n-th script; the last one plays on."""
    dialled = iter(range(10_000))

    async def serve(channel: Channel) -> None:
        await scripts[min(next(dialled), len(scripts) - 1)](Far(channel))

    return MemoryDialer(serve)


async def healthy(far: Far) -> None:
    await far.send(HELLO)
    await far.beat()


@asynccontextmanager
async def running(dialer: Dialer, name: str = "n1") -> AsyncIterator[tuple[Session, EventLog]]:
    log = EventLog()
    session = Session(NodeSpec(name, Transport.MEMORY), dialer, log, bundle.build())
    task = asyncio.create_task(session.run())
    try:
        yield session, log
    finally:
        await session.close()
        assert task.done()


# ---------------------------------------------------------------- lost and found


async def test_a_killed_agent_is_replaced(tmp_path: Any) -> None:
    dialer = LocalDialer({**os.environ, "HOME": str(tmp_path)})
    async with running(dialer) as (_, log):
        first = await log.wait(LinkUp)
        os.kill(first.hello.pid, signal.SIGKILL)
        second = await log.wait(LinkUp, lambda up: up.hello.pid != first.hello.pid)
        lost = log.of(LinkLost)[0]
        assert lost.problem.kind is ProblemKind.LOST
        assert lost.retry_at is not None
        assert second.at - lost.at < 6
        assert not alive(first.hello.pid)
        await log.wait(SampleArrived, after=log.events.index(second))


async def test_steps_of_the_way_are_told(tmp_path: Any) -> None:
    async with running(ShellDialer(home=tmp_path)) as (_, log):
        await log.wait(LinkUp)
        steps = [event.step for event in log.of(LinkOpening)]
        assert steps[0] == "connecting"
        assert any("sending the agent" in step for step in steps)


async def test_a_silent_link_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "DOWN_AFTER_S", 1.0)

    async def silent(far: Far) -> None:
        await far.send(HELLO)
        await asyncio.sleep(60)

    async with running(agents(silent, healthy)) as (_, log):
        lost = await log.wait(LinkLost)
        assert "no heartbeat" in lost.problem.text
        assert not lost.problem.sticky
        await log.wait(LinkUp, after=log.events.index(lost))


async def test_samples_without_heartbeats_do_not_keep_a_link(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link, "DOWN_AFTER_S", 1.0)

    async def chatty(far: Far) -> None:
        await far.send(HELLO)
        while True:
            await far.send(Sample(1, 1.0, 1.0, Host()))
            await asyncio.sleep(0.05)

    async with running(agents(chatty)) as (_, log):
        assert "no heartbeat" in (await log.wait(LinkLost)).problem.text


class Refusing:
    """A dialer that fails with one problem and counts."""

    speaks_frames = True

    def __init__(self, kind: ProblemKind) -> None:
        self.kind = kind
        self.dials = 0

    async def dial(self, command: str, progress: Callable[[str], None]) -> Channel:
        self.dials += 1
        raise LinkError(Problem(self.kind, f"{self.kind.value}!"))

    async def close(self) -> None:
        pass


async def test_a_refused_connection_is_tried_again_and_again() -> None:
    dialer = Refusing(ProblemKind.REFUSED)
    async with running(dialer) as (_, log):
        await log.wait(LinkLost, lambda event: event.attempt == 3)
        assert all(event.retry_at is not None for event in log.of(LinkLost))


async def test_a_server_that_throttles_is_left_alone_for_a_minute() -> None:
    dialer = Refusing(ProblemKind.THROTTLED)
    async with running(dialer) as (session, log):
        lost = await log.wait(LinkLost)
        assert lost.retry_at is not None
        assert lost.retry_at - lost.at >= 60
        session.retry()  # a person may know better
        await log.wait(LinkLost, after=log.events.index(lost) + 1)


@pytest.mark.parametrize(
    "kind", [ProblemKind.AUTHENTICATION, ProblemKind.HOST_KEY_CHANGED, ProblemKind.NO_PYTHON]
)
async def test_what_needs_a_person_waits_for_one(kind: ProblemKind) -> None:
    dialer = Refusing(kind)
    async with running(dialer) as (session, log):
        lost = await log.wait(LinkLost)
        assert lost.retry_at is None
        await asyncio.sleep(0.6)  # longer than the first back-off
        assert dialer.dials == 1
        session.retry()
        await log.wait(LinkLost, after=log.events.index(lost) + 1)
        assert dialer.dials == 2


async def test_a_change_of_networks_tries_now_but_never_what_waits_for_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_module.Backoff, "delay_s", lambda *_: 3600.0)
    away, barred = Refusing(ProblemKind.UNREACHABLE), Refusing(ProblemKind.AUTHENTICATION)
    async with running(away) as (wandering, first), running(barred) as (waiting, second):
        await first.wait(LinkLost)
        await second.wait(LinkLost)
        wandering.network_changed()
        waiting.network_changed()
        await first.wait(LinkLost, lambda event: event.attempt == 2)
        await asyncio.sleep(0.1)
        assert barred.dials == 1


async def test_an_error_nobody_foresaw_is_this_nodes_alone() -> None:
    class Broken(Refusing):
        async def dial(self, command: str, progress: Callable[[str], None]) -> Channel:
            raise ZeroDivisionError("in some library")

    async with running(Broken(ProblemKind.REFUSED)) as (_, log):
        lost = await log.wait(LinkLost)
        assert "in some library" in lost.problem.text
        await log.wait(LinkLost, after=log.events.index(lost) + 1)


# ---------------------------------------------------------------- sleep and wake


class SleepyClock:
    """A clock whose boot time can jump ahead, as after a suspended night."""

    def __init__(self) -> None:
        self.slept_s = 0.0

    def monotonic(self) -> float:
        return time.monotonic()

    def boottime(self) -> float:
        return time.monotonic() + self.slept_s

    def wall(self) -> float:
        return time.time() + self.slept_s


async def test_after_a_wake_a_dead_link_is_found_within_the_probe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link, "PROBE_S", 0.5)
    gone = asyncio.Event()

    async def vanishing(far: Far) -> None:
        await far.send(HELLO)
        beating = asyncio.create_task(far.beat())
        await gone.wait()
        beating.cancel()
        await asyncio.sleep(60)

    clock, log = SleepyClock(), EventLog()
    session = Session(NodeSpec("n1"), agents(vanishing, healthy), log, bundle.build(), clock)
    task = asyncio.create_task(session.run())
    try:
        await log.wait(HeartbeatArrived)
        gone.set()
        clock.slept_s = 600.0
        lost = await log.wait(LinkLost)
        assert "after a wake" in lost.problem.text
        await log.wait(LinkUp, after=log.events.index(lost))
    finally:
        await session.close()
    assert task.done()


async def test_a_wake_does_not_wait_for_the_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module.Backoff, "delay_s", lambda *_: 3600.0)
    dialer = Refusing(ProblemKind.UNREACHABLE)
    clock, log = SleepyClock(), EventLog()
    session = Session(NodeSpec("n1"), dialer, log, bundle.build(), clock)
    task = asyncio.create_task(session.run())
    try:
        await log.wait(LinkLost)
        await asyncio.sleep(0)
        clock.slept_s = 600.0
        await log.wait(LinkLost, after=2)
        assert dialer.dials >= 2
    finally:
        await session.close()
    assert task.done()


# ---------------------------------------------------------------- what lies


GARBAGE = {
    "random bytes": random.Random(1).randbytes(4096),
    "length 2^31": struct.pack(">IBI", 2**31, 1, 0) + b"x" * 100,
    "not json": encode_frame(1, 0, b"\xff\x00{"),
    "wrong types": encode_frame(
        1, 0, b'{"type":"heartbeat","sequence":"a","clock":1,"boottime":2}'
    ),
    "deep": encode_frame(1, 0, b"[" * 100_000),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_restarts_the_agent_once_and_then_marks_the_node(garbage: bytes) -> None:
    async def lying(far: Far) -> None:
        await far.send(HELLO)
        await far.channel.write(garbage)
        await asyncio.sleep(60)

    async with running(agents(lying)) as (_, log):
        first = await log.wait(LinkLost)
        assert not first.problem.sticky
        second = await log.wait(LinkLost, after=log.events.index(first) + 1)
        assert second.problem.kind is ProblemKind.AGENT_FAILED
        assert second.retry_at is None
        assert "protocol" in second.problem.text
        assert len(log.of(LinkUp)) == 2


async def test_half_a_frame_and_the_end_is_a_lost_link() -> None:
    async def cut(far: Far) -> None:
        await far.send(HELLO)
        await far.channel.write(encode_message(EXAMPLES[2])[:-5])

    async with running(agents(cut, healthy)) as (_, log):
        lost = await log.wait(LinkLost)
        assert lost.problem.kind is ProblemKind.LOST
        await log.wait(LinkUp, after=log.events.index(lost))
        assert not log.of(SampleArrived)


@pytest.mark.parametrize(("spoken", "older"), [(99, "console"), (0, "agent")])
async def test_versions_that_differ_are_named_both_ways(spoken: int, older: str) -> None:
    async def foreign(far: Far) -> None:
        await far.channel.write(
            encode_frame(1, 0, b'{"type":"hello","protocol":%d,"all":"else changed"}' % spoken)
        )

    async with running(agents(foreign)) as (_, log):
        lost = await log.wait(LinkLost)
        assert lost.problem.kind is ProblemKind.INCOMPATIBLE
        assert f"the {older} is older" in lost.problem.text
        assert str(PROTOCOL_VERSION) in lost.problem.text
        assert lost.retry_at is None


async def test_messages_of_a_newer_agent_are_passed_over() -> None:
    async def newer(far: Far) -> None:
        await far.send(HELLO)
        await far.channel.write(encode_frame(1, 0, b'{"type":"weather","sunny":true}'))
        await far.channel.write(encode_frame(77, 0, b"\x00\xff"))
        await far.beat()

    async with running(agents(newer)) as (_, log):
        await log.wait(HeartbeatArrived)
        assert not log.of(LinkLost)


async def test_a_node_speaks_only_for_itself() -> None:
    async def forger(far: Far) -> None:
        await far.send(HELLO._replace(hostname="n2", node_key="n2"))
        body = b'{"type":"notice","level":"info","text":"x","node":"n2"}'
        await far.channel.write(encode_frame(1, 0, body))
        await far.beat()

    async with running(agents(forger)) as (_, log):
        await log.wait(NoticeArrived)
        assert {event.node for event in log.events} == {"n1"}


async def test_hostile_text_is_made_visible_at_the_door() -> None:
    evil = "\x1b]52;c;aGk=\x07\x9b2J\u202e[/x]\udc80"

    async def hostile(far: Far) -> None:
        await far.send(HELLO._replace(hostname=evil, warnings=(evil,)))
        await far.send(Notice("info", evil))
        await far.send(Sample(1, 1.0, 1.0, Host(users=(evil,))))
        await far.beat()

    async with running(agents(hostile)) as (_, log):
        up = await log.wait(LinkUp)
        notice = await log.wait(NoticeArrived)
        sample = await log.wait(SampleArrived)
        texts = (
            up.hello.hostname,
            *up.hello.warnings,
            notice.notice.text,
            *sample.sample.host.users,
        )
        for text in texts:
            assert not set(evil[:1] + "\x07\x9b\u202e\udc80") & set(text)
            assert "[/x]" in text


async def test_an_agent_that_refuses_to_run_says_why() -> None:
    async def failing(far: Far) -> None:
        await far.send(Failure("start", "ImportError: no module named select"))

    async with running(agents(failing)) as (_, log):
        lost = await log.wait(LinkLost)
        assert lost.problem.kind is ProblemKind.AGENT_FAILED
        assert "no module named select" in lost.problem.text


async def test_an_agent_that_dies_before_its_hello_is_started_once_more() -> None:
    async def mute(far: Far) -> None:
        pass

    async with running(agents(mute)) as (_, log):
        first = await log.wait(LinkLost)
        assert first.retry_at is not None
        second = await log.wait(LinkLost, after=log.events.index(first) + 1)
        assert second.problem.kind is ProblemKind.AGENT_FAILED


async def test_a_silent_shell_is_tried_twice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(bootstrap, "DEADLINE_S", 0.5)
    async with running(ShellDialer(["sh", "-c", "sleep 60 #{}"], home=tmp_path)) as (_, log):
        first = await log.wait(LinkLost)
        assert first.retry_at is not None
        second = await log.wait(LinkLost, after=log.events.index(first) + 1)
        assert second.problem.kind is ProblemKind.SHELL
        assert second.retry_at is None


# ---------------------------------------------------------------- what floods


async def test_a_flood_of_samples_reaches_the_store_thinned_newest_first() -> None:
    sent = 0

    async def flood(far: Far) -> None:
        nonlocal sent
        await far.send(HELLO)
        beating = asyncio.create_task(far.beat())
        while True:
            sent += 1
            await far.send(Sample(sent, 1.0, 1.0, Host()))
            if sent % 50 == 0:
                await asyncio.sleep(0.001)
        await beating

    async with running(agents(flood)) as (_, log):
        await log.wait(SampleArrived)
        started = time.monotonic()
        await log.wait(SampleArrived, lambda event: event.sample.sequence > 2000)
        elapsed_s = time.monotonic() - started
        arrived = [event.sample.sequence for event in log.of(SampleArrived)]
        assert len(arrived) <= 2 + elapsed_s / 0.05
        assert arrived == sorted(arrived)


async def test_a_flood_leaves_the_loop_to_others() -> None:
    """While one node sends all it can, a timer of the same loop goes on."""
    junk = encode_message(Notice("info", "x" * 60_000))

    async def flood(far: Far) -> None:
        await far.send(HELLO)
        beating = asyncio.create_task(far.beat())
        while True:
            await far.channel.write(junk)
        await beating

    async with running(agents(flood)) as (_, log):
        await log.wait(LinkUp)
        ticks = 0
        until = time.monotonic() + 2
        while time.monotonic() < until:
            await asyncio.sleep(0.01)
            ticks += 1
        assert ticks > 20
        assert len(log.of(NoticeArrived)) <= 12
        assert log.of(HeartbeatArrived)


# ---------------------------------------------------------------- requests


async def answering(far: Far) -> None:
    await far.send(HELLO)
    beating = asyncio.create_task(far.beat())
    while True:
        stream, asked = await far.receive(ListProcesses)
        if asked.limit == 1:
            await far.send(Failure("gone", "not here \x1b[31m"), stream)
        elif asked.limit == 2:
            await far.send(Notice("info", "not a table"), stream)
        elif asked.limit == 3:
            await far.send(ProcessTable(()), stream + 500)
        elif asked.limit == 4:
            beating.cancel()
            return
        else:
            await far.send(ProcessTable((), truncated=True), stream)


async def test_replies_failures_and_lies() -> None:
    async with running(agents(answering)) as (session, log):
        with pytest.raises(RequestFailed, match="not connected"):
            await session.request(ListProcesses())
        await log.wait(LinkUp)
        assert (await session.request(ListProcesses())).truncated
        with pytest.raises(RequestFailed) as failed:
            await session.request(ListProcesses(1))
        assert failed.value.code == "gone"
        assert "\x1b" not in str(failed.value)
        with pytest.raises(RequestFailed, match="Notice"):
            await session.request(ListProcesses(2))
        with pytest.raises(RequestLost, match="unknown"):
            await session.request(ListProcesses(3), timeout_s=0.2)
        with pytest.raises(RequestLost, match="unknown"):
            await session.request(ListProcesses(4))


async def test_the_configuration_is_kept_and_sent_again() -> None:
    told: list[Configure] = []

    async def remembering(far: Far) -> None:
        _, first = await far.receive(Configure)
        told.append(first)
        await far.send(HELLO)
        beating = asyncio.create_task(far.beat())
        _, second = await far.receive(Configure)
        told.append(second)
        beating.cancel()

    async with running(agents(remembering, remembering)) as (session, log):
        await log.wait(LinkUp)
        wanted = Configure(interest="full", interval_s=0.5)
        session.configure(wanted)
        lost = await log.wait(LinkLost)
        await log.wait(LinkUp, after=log.events.index(lost))
        assert told[:3] == [Configure(), wanted, wanted]
