"""Two consoles on one node, and a console that slept: each says what is true, the slower one is told."""

from __future__ import annotations

import os
import signal
import sys
import time

from console.operations.outcomes import Verdict
from tests.faults_workers.desk import LONG, Desk
from tests.processes import alive
from tests.running import runs_below
from tests.sshd import Sshd
from tests.terminal import Terminal

SLEPT_S = 600.0 if LONG else 6.0


async def test_of_two_people_the_later_is_told_and_changes_nothing(
    desk: Desk, server: Sshd
) -> None:
    entry = desk.far(server)
    other_home = desk.folder / "other"
    desk.settings(entry)
    desk.settings(entry, home=other_home)
    async with desk.console() as one, desk.console(other_home) as other:
        started = await one.start("shared", "sleep", "600")
        await other.shows(started.run_id, lambda r: r.state == "running")
        # Both saw the same; one of them is faster.
        (seen,) = other.runtime.workers.find(["shared"])
        assert (await one.act(started.run_id, "restart")).done
        (outcome,) = await other.runtime.workers.act([seen], "kill")
        assert outcome.verdict is Verdict.REFUSED
        assert "restart" in outcome.text, "it says what was wanted instead"
        now = await other.shows(started.run_id, lambda r: r.attempt == 2 and r.state == "running")
        assert runs_below(server.home) == [now.pid]
        # Who has seen it may.
        assert (await other.act(started.run_id, "stop")).done
        for console in (one, other):
            await console.shows(started.run_id, lambda r: r.state == "stopped")
        again = await one.try_to_start("shared", "sleep", "600")
        assert again.done
        refused = await other.try_to_start("shared", "sleep", "600")
        assert refused.verdict is Verdict.REFUSED
        assert again.run_id[:8] in refused.text
        assert len(runs_below(server.home)) == 1


async def test_both_at_once_and_one_worker(desk: Desk, server: Sshd) -> None:
    """Whoever is first: the same name is started once, and both say the same of it."""
    import asyncio

    entry = desk.far(server)
    other_home = desk.folder / "other"
    desk.settings(entry)
    desk.settings(entry, home=other_home)
    async with desk.console() as one, desk.console(other_home) as other:
        for number in range(3):
            name = f"race-{number}"
            tried = await asyncio.gather(
                one.try_to_start(name, "sleep", "600"), other.try_to_start(name, "sleep", "600")
            )
            verdicts = sorted(outcome.verdict.value for outcome in tried)
            assert verdicts == ["done", "refused"], tried
            (winner,) = [outcome.run_id for outcome in tried if outcome.done]
            for console in (one, other):
                await console.shows(winner, lambda r: r.state == "running")
        assert len(runs_below(server.home)) == 3


def test_a_console_that_slept_shows_the_same_workers_soon_after(desk: Desk, server: Sshd) -> None:
    """A laptop is closed: its console stands still, its connections are dead when it is opened again."""
    desk.settings(desk.far(server))
    started = desk(
        "workers", "start", "--node", "far", "--name", "nap", "--json", "--", "sleep", "600"
    )
    assert started.code == 0, started.err
    (pid,) = runs_below(server.home)
    environment = {**desk.program.environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    with Terminal([sys.executable, "-m", "console"], 160, 45, environment) as terminal:
        terminal.send("2")
        terminal.wait_for("1 alive", 30)
        os.kill(terminal.pid, signal.SIGSTOP)
        server.kill_sessions()
        time.sleep(SLEPT_S)  # the fault itself
        os.kill(terminal.pid, signal.SIGCONT)
        deadline = time.monotonic() + 20
        while not server.connections():
            terminal.pump(0.05)
            assert time.monotonic() < deadline, terminal.text
        terminal.wait_for(lambda text: "1/1 nodes up" in text and "1 alive" in text, 20)
        assert "lost" not in terminal.text
        assert runs_below(server.home) == [pid]
        terminal.send("\x11")
        assert terminal.wait_for_exit() == 0
    assert alive(pid)
