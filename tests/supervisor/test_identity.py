"""No process is taken for another: not after its number came round, not after a boot, not in a container."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agents import ROOT
from tests.processes import alive
from tests.supervisor.world import World, eventually, run_quietly
from workers.protocol import RestartRule

AFTER_BOOT = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'
NEW_PROCESSES = ("unshare", "-p", "-f", "--mount-proc")

needs_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or not run_quietly(*NEW_PROCESSES, "true"),
    reason="needs root: no namespaces can be made here",
)


def boots_anew(world: World, boot: str) -> None:
    """From now on launchers find another boot."""
    file = world.folder / "boot_id"
    file.write_text(boot + "\n")
    world.prefix = ("unshare", "-m", "sh", "-c", AFTER_BOOT, str(file))


def crash(world: World) -> None:
    """All of this world's processes die at once, as in a power cut."""
    for pid in world.mine():
        os.kill(pid, 9)
    eventually(lambda: not any(map(alive, world.mine())))


@needs_namespaces
@pytest.mark.parametrize("tries", [300, pytest.param(1000, marks=pytest.mark.long)])
def test_number_that_came_round_is_never_signalled(tries: int) -> None:
    script = str(Path(__file__).with_name("reuse.py"))
    done = subprocess.run(
        [*NEW_PROCESSES, sys.executable, "-I", "-S", script, str(ROOT), str(tries)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    reused, hit = map(int, done.stdout.split())
    assert reused > tries * 0.9
    assert hit == 0


@needs_namespaces
def test_run_of_an_earlier_boot_is_lost_with_its_last_sign_of_life(world: World) -> None:
    worker = world.start("sleep", "600")
    started = worker.running().started_wall or 0.0
    crash(world)
    boots_anew(world, "second-boot")
    assert world.another_agent().launch(worker.paths.folder).outcome == "held"
    end = worker.finished()
    assert (end.state, end.lost_reason, end.exit_code, end.attempt) == ("lost", "reboot", None, 1)
    assert end.last_seen is not None
    assert started - 5 <= end.last_seen <= started + 30


@needs_namespaces
@pytest.mark.parametrize(("on_boot", "attempts"), [("leave", 1), ("restart", 2)])
def test_run_that_waited_when_the_machine_went_down(
    world: World, on_boot: str, attempts: int
) -> None:
    rule = RestartRule("always", backoff_s=60.0, backoff_max_s=60.0)
    worker = world.start("false", restart=rule, on_boot=on_boot)
    worker.until(lambda now: now.state == "backoff")
    crash(world)
    boots_anew(world, "second-boot")
    world.another_agent().launch(worker.paths.folder)
    end = worker.until(lambda now: now.finished or now.attempt == 2)
    assert end.attempt == attempts
    assert [event["reason"] for event in worker.events("lost")] == ["reboot"]


@needs_namespaces
def test_run_that_is_to_follow_a_boot_does_so_once(world: World) -> None:
    worker = world.start("sleep", "600", on_boot="restart")
    worker.running()
    for boot, attempt in (("second-boot", 2), ("third-boot", 3)):
        crash(world)
        boots_anew(world, boot)
        world.another_agent().launch(worker.paths.folder)
        worker.running(attempt)
        assert len(world.carriers()) == 1
    crash(world)
    world.another_agent().launch(worker.paths.folder)
    # The same boot: its end is what can still be known of it, and no second start.
    end = worker.finished()
    assert (end.attempt, end.lost_reason) == (3, None if end.signal else "supervisor")


@needs_namespaces
def test_container_that_was_started_again_is_not_mixed_up(world: World) -> None:
    """The same boot, the same small numbers, other processes."""
    world.prefix = NEW_PROCESSES
    worker = world.start("sleep", "600")
    number = worker.running().pid
    world.another_agent()  # process 1 ends, and all with it
    eventually(lambda: not world.carriers())
    other = world.start("sleep", "600", name="other")
    for _ in range(3):
        world.start("sleep", "600")
    assert world.launch(worker).outcome == "held"
    end = worker.finished()
    assert (end.state, end.lost_reason, end.pid) == ("lost", "reboot", None)
    assert number is not None
    assert other.running().state == "running"
    eventually(lambda: len(world.carriers()) == 4)
