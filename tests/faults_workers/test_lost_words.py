"""Replies that never arrive: the console asks again, and the node does everything once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from console.operations.outcomes import Verdict
from tests.fault_proxy import FaultProxy
from tests.faults_workers.desk import Console, Desk, run_folders, until
from tests.processes import alive
from tests.running import runs_below
from tests.sshd import Sshd


@asynccontextmanager
async def behind_a_proxy(desk: Desk, server: Sshd) -> AsyncIterator[tuple[Console, FaultProxy]]:
    async with FaultProxy(server.host, server.port) as proxy:
        desk.settings(desk.far(server, port=proxy.port))
        async with desk.console() as console:
            yield console, proxy


async def lose_the_reply(proxy: FaultProxy, happened: Callable[[], object]) -> None:
    """From now on what is said takes a second; once it `happened` there, the answer on its way is dropped."""
    proxy.delay_s = 1.0
    await until("it was heard on the node", happened)
    proxy.delay_s = 0.0
    proxy.reset()


async def test_a_start_whose_reply_was_lost_is_asked_again_and_is_one_worker(
    desk: Desk, server: Sshd
) -> None:
    async with behind_a_proxy(desk, server) as (console, proxy):
        losing = asyncio.create_task(lose_the_reply(proxy, lambda: runs_below(server.home)))
        await asyncio.sleep(0)
        outcome = await console.try_to_start("once", "sleep", "600")
        await losing
        assert outcome.verdict is Verdict.DONE, outcome.text
        assert proxy.accepted >= 2, "it was asked again over another link"
        assert len(run_folders(server.home)) == 1
        (pid,) = runs_below(server.home)
        assert outcome.record is not None
        assert (outcome.record.pid, outcome.record.attempt) == (pid, 1)
        (asked, done) = desk.audit()
        assert (asked["result"], done["result"]) == ("asked", "running")


@pytest.mark.parametrize("act", ["restart", "stop"])
async def test_a_command_whose_reply_was_lost_is_obeyed_once(
    desk: Desk, server: Sshd, act: str
) -> None:
    async with behind_a_proxy(desk, server) as (console, proxy):
        started = await console.start("once", "sleep", "600")
        before = started.pid or 0
        losing = asyncio.create_task(lose_the_reply(proxy, lambda: not alive(before)))
        await asyncio.sleep(0)
        outcome = await console.act(started.run_id, act)
        await losing
        assert outcome.verdict is Verdict.DONE, outcome.text
        if act == "stop":
            await console.shows(started.run_id, lambda r: r.state == "stopped")
            assert runs_below(server.home) == []
            return
        now = await console.shows(started.run_id, lambda r: r.state == "running" and r.attempt > 1)
        assert now.attempt == 2, "restarted once, not twice"
        assert runs_below(server.home) == [now.pid]


async def test_a_start_that_was_never_heard_is_unknown_until_it_is_known(
    desk: Desk, server: Sshd
) -> None:
    """The line is cut before the word arrives and stays so: nobody says that it runs."""
    async with behind_a_proxy(desk, server) as (console, proxy):
        proxy.mute = True
        starting = asyncio.create_task(console.try_to_start("never", "sleep", "600"))
        await asyncio.sleep(0.5)
        proxy.refuse = True
        proxy.reset()
        outcome = await asyncio.wait_for(starting, 60)
        assert outcome.verdict in (Verdict.UNKNOWN, Verdict.UNREACHABLE), outcome
        assert desk.audit()[-1]["result"].startswith(("unknown", "failed"))
        assert run_folders(server.home) == []
