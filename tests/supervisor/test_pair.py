"""Whoever of the pair dies, the worker lives and its real end is kept."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.processes import alive, descendants
from tests.supervisor.world import World, eventually, same_process

ENDS_WHEN_TOLD = "import os,time\nprint('up',flush=True)\nwhile not os.path.exists('go'): time.sleep(.01)\nraise SystemExit(37)"


def test_real_code_is_kept_when_the_shim_is_killed(world: World) -> None:
    worker = world.python(ENDS_WHEN_TOLD)
    now = worker.running()
    worker.says("up")
    os.kill(worker.keeper("shim"), signal.SIGKILL)
    worker.until(lambda now: now.unguarded)
    assert same_process(now.pid or 0, now.ticks or 0), "the worker was touched"
    (world.folder / "go").touch()
    end = worker.finished()
    assert (end.state, end.exit_code) == ("exited", 37)
    assert "shim_lost" in worker.kinds()
    assert worker.events("exited")[0]["max_rss_bytes"] > 0


def test_real_code_is_kept_when_the_shim_dies_beside_a_zombie(world: World) -> None:
    worker = world.python(ENDS_WHEN_TOLD)
    pid = worker.running().pid or 0
    shim = worker.keeper("shim")
    os.kill(shim, signal.SIGSTOP)
    (world.folder / "go").touch()
    eventually(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
    os.kill(shim, signal.SIGKILL)
    end = worker.finished()
    assert (end.state, end.exit_code) == ("exited", 37)


def test_shim_goes_on_alone(world: World) -> None:
    worker = world.python(ENDS_WHEN_TOLD)
    worker.running()
    os.kill(worker.keeper("guardian"), signal.SIGKILL)
    worker.until(lambda now: now.unguarded)
    assert "guardian_lost" in worker.kinds()
    (world.folder / "go").touch()
    end = worker.finished()
    assert (end.state, end.exit_code) == ("exited", 37)


def test_worker_is_adopted_when_both_are_killed_and_its_code_is_known(world: World) -> None:
    """The kernel tells the code to those who are not the parent since 6.15; before that it is lost."""
    worker = world.python(ENDS_WHEN_TOLD)
    now = worker.running()
    worker.kill_pair()
    assert same_process(now.pid or 0, now.ticks or 0)
    assert world.another_agent().launch(worker.paths.folder).outcome == "held"
    adopted = worker.until(lambda now: now.adopted)
    assert (adopted.pid, adopted.attempt, adopted.unguarded) == (now.pid, 1, False)
    (world.folder / "go").touch()
    end = worker.finished()
    kernel = tuple(int(part) for part in os.uname().release.split(".")[:2])
    if kernel >= (6, 15):
        assert (end.state, end.exit_code) == ("exited", 37)
    else:
        assert (end.state, end.lost_reason) in (("lost", "supervisor"), ("exited", None))


def test_end_that_nobody_saw_is_lost_and_no_success(world: World) -> None:
    worker = world.python(ENDS_WHEN_TOLD)
    pid = worker.running().pid or 0
    worker.kill_pair()
    (world.folder / "go").touch()
    eventually(lambda: not os.path.exists(f"/proc/{pid}"))
    world.another_agent().launch(worker.paths.folder)
    end = worker.finished()
    assert (end.state, end.lost_reason, end.exit_code) == ("lost", "supervisor", None)
    assert end.last_seen is not None


def test_adopted_worker_is_stopped_with_its_escaped_helpers(world: World) -> None:
    worker = world.python(
        "import os,time\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork(): os._exit(0)\n"
        "        time.sleep(600)\n"
        "print('up',flush=True)\ntime.sleep(600)"
    )
    worker.running()
    worker.says("up")
    worker.kill_pair()
    world.another_agent().launch(worker.paths.folder)
    worker.until(lambda now: now.adopted)
    worker.wants("stop", 1.0)
    assert worker.finished().state == "stopped"
    assert world.carriers() == []


def test_second_pair_is_refused_and_the_lock_is_not_in_the_worker(world: World) -> None:
    """A worker that outlives the pair does not keep the run locked."""
    worker = world.python(ENDS_WHEN_TOLD)
    pid = worker.running().pid or 0
    assert world.launch(worker).outcome == "refused"
    open_files = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    assert sorted(os.path.basename(path) for path in open_files) == ["err.log", "null", "out.log"]
    worker.kill_pair()
    assert not worker.run.is_held()


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_worker_is_stopped_gracefully_when_its_unit_goes_down(world: World, number: int) -> None:
    """A user manager that stops sends SIGTERM to the guardian; nobody asked the run to stop."""
    worker = world.python(
        "import signal,sys,time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        "print('up',flush=True)\ntime.sleep(600)"
    )
    worker.says("up")
    guardian = worker.keeper("guardian")
    os.kill(guardian, number)
    end = worker.until(lambda now: now.exit_code == 143)
    eventually(lambda: not alive(guardian))
    assert (end.state, end.finished, end.stop_asked) == ("exited", False, False)


def test_pair_hangs_on_nobody(world: World) -> None:
    """The starter ends with its agent; the pair and the worker do not, and are in no session of it."""
    worker = world.python(ENDS_WHEN_TOLD)
    now = worker.running()
    guardian, shim = worker.keeper("guardian"), worker.keeper("shim")
    world.another_agent()
    assert all(map(alive, (guardian, shim, now.pid or 0)))
    assert descendants(guardian) == [shim, now.pid]
    assert os.getsid(guardian) == os.getsid(shim) != os.getsid(0)
    assert os.getsid(now.pid or 0) == now.pid
