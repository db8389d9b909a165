"""A node that stands still, a clock that jumps: nobody is lost, restarted or timed out because of it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.sessions.clock import SystemClock
from tests import agents
from tests.agent_workers.node import Node, sleeper
from tests.faults_workers.desk import LONG, Desk, run_folders, until
from tests.processes import descendants
from tests.running import holders_below, runs_below, sweep
from tests.sshd import Sshd
from workers.protocol import RestartRule

STILL_S = 600.0 if LONG else 5.0
HOUR_S = 3600.0


def tree(server: Sshd) -> list[int]:
    """All of the node: sshd, its sessions and agents, supervisors, workers."""
    found = [server.pid, *descendants(server.pid)]
    found += holders_below(server.home) + runs_below(server.home)
    return list(dict.fromkeys(found))


async def test_a_node_that_was_frozen_is_stale_and_goes_on(desk: Desk, server: Sshd) -> None:
    desk.settings(desk.far(server))
    async with desk.console() as console:
        started = await console.start("steady", "sleep", "600", restart="always")
        frozen = tree(server)
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            await until("stale", lambda: console.node("far").state in ("stale", "down"))
            view = console.view(started.run_id)
            assert view is not None
            assert not view.reachable
            assert view.record.state == "running", "what was last known, marked as old"
            await asyncio.sleep(STILL_S)
        finally:
            for pid in reversed(frozen):
                os.kill(pid, signal.SIGCONT)
        now = await console.shows(started.run_id, lambda r: r.state == "running", 25.0)
        assert (now.pid, now.attempt, now.restarts) == (started.pid, 1, 0)
        assert not [a for a in console.runtime.store.alerts if "lost" in a.text.lower()]
        await asyncio.sleep(1.0)
        assert runs_below(server.home) == [started.pid]
    (folder,) = run_folders(server.home)
    events = (folder / "events.jsonl").read_text()
    assert '"lost"' not in events


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    yield made
    sweep(tmp_path)


class JumpingClock(SystemClock):
    """The machine's own, with a wall clock that can be set."""

    def __init__(self) -> None:
        self.offset_s = 0.0
        self.asleep_s = 0.0

    def wall(self) -> float:
        return time.time() + self.offset_s

    def boottime(self) -> float:
        return super().boottime() + self.asleep_s


@pytest.mark.parametrize("jump_s", [-HOUR_S, HOUR_S, 400 * 24 * HOUR_S])
async def test_the_consoles_wall_clock_jumps_and_no_worker_is_judged_by_it(
    desk: Desk, jump_s: float
) -> None:
    clock = JumpingClock()
    async with desk.console(clock=clock) as console:
        started = await console.start("steady", "sleep", "600")
        await console.shows(started.run_id, lambda r: r.state == "running")
        clock.offset_s = jump_s
        await asyncio.sleep(2.5)
        view = console.view(started.run_id)
        assert view is not None
        assert (view.live, view.reachable, console.node("local").state) == (True, True, "up")
        assert view.health in ("ok", "unknown")
        assert view.running_s is not None
        assert 0.0 <= view.running_s < 120.0, "a duration follows no wall clock"
        assert 0.0 <= view.age_s < 10.0
        assert (await console.act(started.run_id, "stop")).done
        await console.shows(started.run_id, lambda r: r.state == "stopped")
        ended = console.view(started.run_id)
        assert ended is not None
        assert ended.over_s is None or 0.0 <= ended.over_s < 120.0


async def test_a_suspend_of_the_console_is_no_silence_of_the_workers(desk: Desk) -> None:
    """The clock since boot goes on for ten minutes between two looks, as when a laptop is closed."""
    clock = JumpingClock()
    async with desk.console(clock=clock) as console:
        started = await console.start("steady", "sleep", "600")
        before = console.agent("local")
        clock.asleep_s = 600.0
        await asyncio.sleep(1.5)
        now = await console.shows(started.run_id, lambda r: r.state == "running")
        assert (now.pid, now.attempt) == (started.pid, 1)
        assert console.node("local").state == "up"
        assert before


# libfaketime makes time.sleep fail, which an agent needs: its wall clock is moved where it reads it.
JUMPY = (
    "import time, os; real = time.time\n"
    "def wall(): return real() + float(open(os.environ['CLOCK']).read())\n"
    "time.time = wall\n"
)


def test_the_agents_wall_clock_jumps(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour there and back, in a zone with summer time; what is stored is UTC and no duration follows it."""
    monkeypatch.setattr(agents, "PROGRAM", JUMPY + agents.PROGRAM)
    clock = node.home / "clock"
    clock.write_text("-3600\n")
    wanted = sleeper(restart=RestartRule("always", backoff_s=1.0))
    with node.agent(CLOCK=str(clock), TZ="Europe/Berlin") as console:
        pid = console.start(wanted).pid
        for jump_s in (3600, -3600, 200 * 24 * 3600):
            temporary = node.home / "next"
            temporary.write_text(f"{jump_s}\n")
            temporary.replace(clock)
            console.agent.receive_for(1.0)  # what was said before
            record = console.record(wanted.run_id)
            assert (record.state, record.pid, record.attempt) == ("running", pid, 1), jump_s
            assert 0.0 <= (record.running_s or 0.0) < 60.0, jump_s
        console.command(wanted.run_id, "stop", grace_s=1.0)
        record = console.record(wanted.run_id, lambda r: r.state == "stopped")
        assert record.attempt == 1
