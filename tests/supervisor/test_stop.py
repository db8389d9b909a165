"""A stop ends the whole tree, says each step, and says so when the kernel does not let go."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import alive
from tests.supervisor.world import World, eventually, run_quietly, seen_afresh
from workers.protocol import RestartRule
from workers.supervisor.ladder import GROUP, MAIN, TREE, ladder

SLEEPS = "import time\nprint('up',flush=True)\ntime.sleep(600)"
DEAF = (
    "import signal,time\nfor n in (signal.SIGTERM, signal.SIGINT): signal.signal(n, signal.SIG_IGN)\n"
    "print('up',flush=True)\ntime.sleep(600)"
)
ESCAPES = (
    "import os,time\n"
    "for _ in range(3):\n"
    "    if os.fork() == 0:\n"
    "        os.setsid()\n"
    "        if os.fork(): os._exit(0)\n"
    "        time.sleep(600)\n"
    "print('up',flush=True)\ntime.sleep(600)"
)


def test_rungs_follow_the_grace() -> None:
    steps = ladder("stop", 100.0, 10.0)
    assert [(rung.to, rung.at) for rung in steps.rungs] == [
        (MAIN, 100.0),
        (GROUP, 105.0),
        (TREE, 110.0),
    ]
    assert steps.due(set(), 99.9) is None
    assert steps.due({MAIN}, 104.9) is None
    # SIGKILL is repeated until nothing lives.
    assert steps.due({MAIN, GROUP, TREE}, 111.0) == (TREE, 110.0)
    assert [rung.to for rung in ladder("kill", 100.0, 10.0).rungs] == [TREE]
    assert steps.without_main(101.0).due({MAIN}, 101.0) == (GROUP, 101.0)


def test_helpers_that_escaped_by_double_fork_do_not_survive(world: World) -> None:
    worker = world.python(ESCAPES)
    worker.says("up")
    eventually(lambda: len(world.carriers()) == 4)
    worker.wants("stop", 1.0)
    end = worker.finished()
    assert world.carriers() == []
    assert (end.state, end.signal, end.leftovers) == ("stopped", signal.SIGTERM, 0)


def test_each_step_against_a_deaf_worker_is_written_down(world: World) -> None:
    worker = world.python(DEAF)
    worker.says("up")
    worker.wants("stop", 1.0)
    end = worker.finished()
    assert (end.state, end.signal, end.oom) == ("stopped", signal.SIGKILL, False)
    steps = worker.events("signal")
    assert [(step["to"], step["signal"]) for step in steps] == [
        ("main", "TERM"),
        ("group", "TERM"),
        ("tree", "KILL"),
    ]
    asked = worker.events("desired")[-1]["boottime"]
    after = [step["boottime"] - asked for step in steps]
    assert after[0] < after[1] < after[2]
    assert after[1] >= 0.5
    assert after[2] >= 1.0


def test_preset_names_the_stop_signal(world: World) -> None:
    worker = world.python(
        "import signal,sys,time\nsignal.signal(signal.SIGINT, lambda *_: sys.exit(9))\n"
        "print('up',flush=True)\ntime.sleep(600)",
        stop_signal="INT",
    )
    worker.says("up")
    worker.wants("stop")
    end = worker.finished()
    assert (end.state, end.exit_code) == ("stopped", 9)


def test_worker_that_was_stopped_by_a_signal_hears_the_stop(world: World) -> None:
    worker = world.python(
        "import signal,sys,time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
        "print('up',flush=True)\ntime.sleep(600)"
    )
    worker.says("up")
    os.kill(worker.now.pid or 0, signal.SIGSTOP)
    worker.wants("stop", 20.0)
    end = worker.finished()
    assert (end.state, end.exit_code) == ("stopped", 5)


def test_storm_of_forks_ends(world: World) -> None:
    """Each process replaces itself faster than any list of processes can be made."""
    worker = world.python(
        "import os,signal,time\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "over = time.monotonic() + 30\n"
        "def storm():\n"
        "    while time.monotonic() < over:\n"
        "        if os.fork() == 0:\n"
        "            os.setsid()\n"
        "            if os.fork(): os._exit(0)\n"
        "        else:\n"
        "            time.sleep(.02); os._exit(0)\n"
        "for _ in range(4):\n"
        "    if os.fork() == 0: storm()\n"
        "print('up',flush=True)\n"
        "time.sleep(600)"
    )
    worker.says("up")
    worker.wants("kill")
    assert worker.finished().state == "stopped"
    assert world.carriers() == []


def test_storm_ends_without_a_control_group(world: World) -> None:
    """Where no group can be made, all are stopped before they are killed."""
    if os.geteuid() != 0 or not run_quietly("unshare", "-m", "true"):
        pytest.skip("needs root: the control groups are hidden in a mount namespace")
    hide = 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"'
    world.prefix = ("unshare", "-m", "sh", "-c", hide, "sh")
    worker = world.python(
        "import os,time\n"
        "over = time.monotonic() + 30\n"
        "if os.fork() == 0:\n"
        "    while time.monotonic() < over:\n"
        "        if os.fork(): os._exit(0)\n"
        "        os.setsid(); time.sleep(.001)\n"
        "    os._exit(0)\n"
        "print('up',flush=True)\ntime.sleep(600)"
    )
    worker.says("up")
    worker.wants("kill")
    assert worker.finished().state == "stopped"
    assert world.carriers() == []


def test_worker_that_waits_for_its_restart_stays_stopped(world: World) -> None:
    """The stop comes in the pause between two attempts, and the shim dies before it can hear of it."""
    rule = RestartRule("always", backoff_s=60.0, backoff_max_s=60.0)
    worker = world.start("false", restart=rule)
    worker.until(lambda now: now.state == "backoff")
    shim = worker.keeper("shim")
    os.kill(shim, signal.SIGSTOP)
    worker.run.want("stop", "ada@desk")
    os.kill(shim, signal.SIGKILL)
    end = worker.finished()
    assert (end.state, end.attempt) == ("stopped", 1)
    assert world.another_agent().launch(worker.paths.folder).outcome == "held"
    eventually(lambda: not worker.run.is_held())
    assert seen_afresh(worker).now.state == "stopped"
    assert len(worker.events("intent")) == 1


def test_new_keeper_goes_on_with_the_ladder(world: World) -> None:
    """The shim is killed between the first signal and SIGKILL: the guardian climbs the rest, and no rung twice."""
    worker = world.python(DEAF)
    worker.says("up")
    worker.wants("stop", 2.0)
    eventually(lambda: worker.events("signal"))
    os.kill(worker.keeper("shim"), signal.SIGKILL)
    assert worker.finished().state == "stopped"
    assert [step["to"] for step in worker.events("signal")] == ["main", "group", "tree"]


def test_kill_spares_the_courtesies(world: World) -> None:
    worker = world.python(DEAF)
    worker.says("up")
    worker.wants("kill")
    assert worker.finished().signal == signal.SIGKILL
    assert [step["to"] for step in worker.events("signal")] == ["tree"]


def test_grace_of_the_command_wins(world: World) -> None:
    worker = world.python(DEAF, grace_s=600.0)
    worker.says("up")
    worker.wants("stop", 0.2)
    assert worker.finished().signal == signal.SIGKILL


def test_drain_is_a_file_and_a_named_signal(world: World) -> None:
    worker = world.python(
        "import os,signal,time\ngot=[]\nsignal.signal(signal.SIGUSR2, lambda *_: got.append(1))\n"
        "print('up',flush=True)\n"
        "while not (os.path.exists(os.environ['QD_DRAIN']) and got): time.sleep(.01)\n"
        "print('drained',flush=True)",
        drain=True,
        drain_signal="USR2",
    )
    worker.says("up")
    worker.wants("drain")
    end = worker.finished()
    assert (end.state, end.exit_code, end.want) == ("stopped", 0, "drained")
    assert "drained" in worker.output()


def test_restart_is_a_stop_and_a_new_attempt(world: World) -> None:
    worker = world.python(SLEEPS)
    worker.says("up")
    worker.wants("restart")
    second = worker.running(attempt=2)
    assert second.restarts == 0, "asked by a person, not by the policy"
    worker.wants("restart_force")
    worker.running(attempt=3)
    assert world.carriers() == [worker.now.pid]
    worker.wants("stop")
    assert worker.finished().state == "stopped"
    assert "exited" in worker.kinds()


def test_process_the_kernel_does_not_let_go_is_named(world: World, frozen: Path) -> None:
    """A writer on a frozen file system takes no signal. It is not called stopped before it is."""
    worker = world.python(
        f"import subprocess,time\nf=open({str(frozen / 'data')!r},'wb',0)\nprint('up',flush=True)\n"
        f"open('armed','w').close()\n"
        "while True: f.write(b'x'*4096); time.sleep(.01)"
    )
    worker.says("up")
    pid = worker.now.pid or 0
    subprocess.run(["fsfreeze", "-f", str(frozen)], check=True)
    try:
        eventually(lambda: " D " in Path(f"/proc/{pid}/stat").read_text())
        worker.wants("kill")
        pending = worker.until(lambda now: now.kill_pending)
        assert str(pid) in pending.kill_pending[0]
        assert "D state" in pending.kill_pending[0]
        assert (pending.state, pending.finished) == ("stopping", False)
        assert alive(pid)
    finally:
        subprocess.run(["fsfreeze", "-u", str(frozen)], check=True)
    end = worker.finished()
    assert (end.state, end.signal, end.kill_pending) == ("stopped", signal.SIGKILL, ())


@pytest.fixture
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small file system of its own, which can be frozen."""
    folder = tmp_path_factory.mktemp("loop")
    image, mount = folder / "image", folder / "mount"
    mount.mkdir()
    image.write_bytes(b"")
    os.truncate(image, 16 * 1024 * 1024)
    made = run_quietly("mkfs.ext4", "-q", "-F", str(image)) and run_quietly(
        "mount", "-o", "loop", str(image), str(mount)
    )
    if not made:
        pytest.skip("no file system can be mounted here: a process cannot be put into D state")
    yield mount
    run_quietly("fsfreeze", "-u", str(mount))
    eventually(lambda: run_quietly("umount", str(mount)))
