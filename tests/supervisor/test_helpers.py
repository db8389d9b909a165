"""Processes beside the main one: those that outlive it, and the dead that nobody waited for."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.processes import alive
from tests.supervisor.world import World, eventually
from workers.protocol import RestartRule
from workers.supervisor import holder

LEAVES_ONE = "sleep 600 & echo $! > helper; exit 0"


def helper_of(world: World) -> int:
    return int(eventually(lambda: (world.folder / "helper").read_text().strip()))


def test_dead_grandchildren_are_reaped(world: World) -> None:
    worker = world.python(
        "import os,time\n"
        "for _ in range(20):\n"
        "    if os.fork() == 0:\n"
        "        for _ in range(50):\n"
        "            if os.fork() == 0: os._exit(0)\n"
        "        os._exit(0)\n"
        "for _ in range(20): os.wait()\n"
        "print('up',flush=True)\ntime.sleep(600)"
    )
    worker.says("up")
    shim = worker.keeper("shim")

    def zombies() -> list[str]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                except OSError:
                    continue
                if state == "Z" and int(parent) == shim:
                    found.append(entry.name)
        return found

    eventually(lambda: not zombies(), 4.0)
    assert worker.now.state == "running"


def test_helper_that_stays_is_counted_and_can_be_stopped(world: World) -> None:
    worker = world.start("sh", "-c", LEAVES_ONE)
    end = worker.until(lambda now: now.state == "exited")
    assert (end.exit_code, end.leftovers, end.finished) == (0, 1, False)
    helper = helper_of(world)
    assert alive(helper)
    worker.wants("stop", 5.0)
    end = worker.finished()
    assert (end.state, end.exit_code, end.leftovers) == ("exited", 0, 0)
    assert not alive(helper)
    assert "emptied" in worker.kinds()


def test_keeper_leaves_when_the_helpers_have(world: World) -> None:
    worker = world.start("sh", "-c", LEAVES_ONE)
    worker.until(lambda now: now.leftovers == 1)
    os.kill(helper_of(world), signal.SIGKILL)
    assert worker.finished().leftovers == 0


def test_helpers_are_ended_where_the_preset_says_so(world: World) -> None:
    worker = world.start("sh", "-c", LEAVES_ONE, leftovers="kill", grace_s=1.0)
    end = worker.finished()
    assert (end.state, end.exit_code, end.leftovers) == ("exited", 0, 0)
    assert world.carriers() == []


def test_restart_waits_for_the_helpers(world: World) -> None:
    rule = RestartRule("always", backoff_s=0.1, backoff_max_s=0.1)
    worker = world.start("sh", "-c", LEAVES_ONE, restart=rule)
    worker.until(lambda now: now.leftovers == 1)
    helper = helper_of(world)
    for _ in range(3):
        assert holder.poke(worker.paths.lock) == 2
        os.kill(worker.keeper("shim"), signal.SIGCHLD)
    assert (worker.now.attempt, worker.now.state) == (1, "exited")
    os.kill(helper, signal.SIGKILL)
    worker.until(lambda now: now.attempt == 2 and now.leftovers == 1)


def test_helpers_are_found_by_the_next_pair(world: World) -> None:
    worker = world.start("sh", "-c", LEAVES_ONE)
    worker.until(lambda now: now.leftovers == 1)
    helper = helper_of(world)
    worker.kill_pair()
    world.another_agent().launch(worker.paths.folder)
    eventually(lambda: worker.run.is_held())
    assert alive(helper)
    worker.wants("stop", 2.0)
    worker.finished()
    assert not alive(helper)
