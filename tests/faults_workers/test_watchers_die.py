"""Whoever watches may die at any moment: consoles, agents, sessions, sshd. Workers and their logs go on."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.faults_workers.desk import LONG, Console, Desk, Follower, run_folders, until
from tests.processes import alive, environment_of
from tests.running import runs_below, sweep
from tests.sshd import Sshd

WRITES = (
    "import os, sys, time\n"
    "n = 0\n"
    "while not os.path.exists(os.path.expanduser('~/go')):\n"
    "    for _ in range(20): n += 1; sys.stdout.write('line %d\\n' % n)\n"
    "    sys.stdout.flush(); time.sleep(.005)\n"
    "raise SystemExit(37)\n"
)
CUTS = 20 if LONG else 3
CONSOLE_KILLS = 50 if LONG else 4
Fault = Callable[[Console, Sshd], Awaitable[None]]


async def agent_dies(console: Console, server: Sshd) -> None:
    before = console.agent("far")
    os.kill(before, signal.SIGKILL)
    await console.back("far", before)


async def session_dies(console: Console, server: Sshd) -> None:
    """Only sshd's own process of the session is killed: the agent has to notice by itself."""
    before = console.agent("far")
    for pid in server.connections():
        os.kill(pid, signal.SIGKILL)
    await console.back("far", before)
    await until("the agent without a session ends", lambda: not alive(before))


async def everything_of_it_dies(console: Console, server: Sshd) -> None:
    """sshd, its sessions and the agents; it is started again after a while."""
    before = console.agent("far")
    server.stop()
    await asyncio.sleep(0.5)
    server.start()
    await console.back("far", before)


async def listener_dies(console: Console, server: Sshd) -> None:
    """Those who are connected notice nothing."""
    before, seen = console.agent("far"), set()
    os.kill(server.pid, signal.SIGKILL)
    assert server._process is not None
    server._process.wait()
    for _ in range(40):
        seen.add(console.node("far").state)
        await asyncio.sleep(0.05)
    server.start()
    assert seen == {"up"}
    assert console.agent("far") == before


@pytest.mark.parametrize("fault", [agent_dies, session_dies, everything_of_it_dies, listener_dies])
async def test_worker_goes_on_and_its_log_is_followed_to_the_last_byte(
    desk: Desk, server: Sshd, fault: Fault
) -> None:
    desk.settings(desk.far(server))
    async with desk.console() as console:
        started = await console.start("writes", sys.executable, "-c", WRITES)
        log = Follower(console, "far", started.run_id)
        await log.grows()
        for _ in range(CUTS):
            await fault(console, server)
            await log.grows()
            now = await console.shows(started.run_id, lambda r: r.state == "running")
            assert (now.pid, now.attempt, now.restarts) == (started.pid, 1, 0)
        (server.home / "go").touch()
        ended = await console.shows(started.run_id, lambda r: r.state == "exited")
        assert ended.exit_code == 37
        told = await log.end()
    (folder,) = run_folders(server.home)
    written = (folder / "attempt-0001" / "out.log").read_bytes()
    assert told == written, "each byte once, in order"
    lines = written.decode().splitlines()
    assert lines == [f"line {n}" for n in range(1, len(lines) + 1)]
    kinds = {note.kind for note in log.notes}
    assert "gap" not in kinds
    assert ("resumed" in kinds) == (fault is not listener_dies)


async def test_an_end_that_came_while_nobody_watched_is_shown_soon_after(
    desk: Desk, server: Sshd
) -> None:
    desk.settings(desk.far(server))
    async with desk.console() as console:
        started = await console.start("writes", sys.executable, "-c", WRITES)
        server.stop()
        (server.home / "go").touch()
        await until("it ended", lambda: not alive(started.pid or 0))
        server.start()
        # 5 s for the link, 5 s for the end, and twice that for a busy machine.
        ended = await console.shows(started.run_id, lambda r: r.state == "exited", 20.0)
        assert (ended.exit_code, ended.attempt) == (37, 1)


def killed_soon(desk: Desk, pause_s: float, *words: str) -> None:
    """`quarterdeck` with these words, killed after so long, whatever it was doing then."""
    process = subprocess.Popen(
        [sys.executable, "-m", "console", *words],
        env=desk.program.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(pause_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def listed(desk: Desk) -> dict[str, dict[str, object]]:
    done = desk("workers", "list", "--json")
    assert done.code == 0, done.err
    return {worker["name"]: worker for worker in done.json["workers"]}


def main_processes(home: Path) -> dict[str, list[int]]:
    """Name of each worker that lives → its processes."""
    found: dict[str, list[int]] = {}
    for pid in runs_below(home):
        for word in environment_of(pid):
            if word.startswith(b"QD_WORKER="):
                found.setdefault(word[10:].decode(), []).append(pid)
    return found


def settled(desk: Desk) -> dict[str, dict[str, object]]:
    """What the console lists, once that is what runs: soon after whatever was killed."""
    deadline = time.monotonic() + 10
    while True:
        now, real = listed(desk), main_processes(desk.home)
        shown = {name: [w["pid"]] for name, w in now.items() if w["state"] == "running"}
        if shown == real:
            return now
        assert time.monotonic() < deadline, (now, real)


def test_consoles_killed_at_random_leave_one_worker_or_none(desk: Desk) -> None:
    """Killed while it starts, while it stops; the next console shows what is true and can go on."""
    chance = random.Random(7)
    nap = ("--node", "local", "--", "sleep", "600")
    for number in range(CONSOLE_KILLS):
        words = ("workers", "start", "--name", f"nap-{number}", *nap)
        killed_soon(desk, chance.uniform(0.2, 1.6), *words)
    now = settled(desk)
    assert {worker["state"] for worker in now.values()} <= {"running"}

    # The same name again: it is there already, or it is started now. Never twice.
    again = desk("workers", "start", "--name", "nap-0", *nap)
    assert again.code == (4 if "nap-0" in now else 0), again.err
    assert len(main_processes(desk.home)["nap-0"]) == 1

    for name in listed(desk):
        killed_soon(desk, chance.uniform(0.2, 1.6), "workers", "stop", name)
    done = desk("workers", "stop", *settled(desk), "--wait")
    assert done.code == 0, done.err
    assert not main_processes(desk.home)
    assert {worker["state"] for worker in listed(desk).values()} == {"stopped"}
    sweep(desk.home)
