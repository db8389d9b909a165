"""Wall clocks jump and machines sleep: nothing is restarted, lost or timed out because of it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.processes import alive
from tests.supervisor.world import World, eventually, run_quietly
from workers.protocol import RestartRule

FAKETIME = next(
    (str(p) for p in Path("/usr/lib").glob("*-linux-gnu/faketime/libfaketime.so.1")), ""
)
SLEEPS = "import time\nprint('up',flush=True)\ntime.sleep(600)"
DEAF = (
    "import signal,time\nsignal.signal(15, signal.SIG_IGN)\nprint('up',flush=True)\ntime.sleep(600)"
)


@pytest.mark.skipif(not FAKETIME, reason="libfaketime is not installed: no clock can be moved")
def test_wall_clock_may_jump(world: World) -> None:
    clock = world.folder / "clock"
    clock.write_text("+0\n")
    world.prefix = (
        "env", f"LD_PRELOAD={FAKETIME}", f"FAKETIME_TIMESTAMP_FILE={clock}", "FAKETIME_NO_CACHE=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
    )  # fmt: skip
    rule = RestartRule("always", backoff_s=60.0, backoff_max_s=60.0)
    steady = world.python(DEAF, restart=rule)
    waiting = world.start("false", restart=rule, name="waiting")
    steady.says("up")
    waiting.until(lambda now: now.state == "backoff")
    for jump in ("-1h", "+1h", "+400d"):
        clock.write_text(jump + "\n")
        for worker in (steady, waiting):
            os.kill(worker.keeper("shim"), signal.SIGHUP)
        time.sleep(0.1)
        assert (steady.now.state, steady.now.attempt) == ("running", 1)
        assert (waiting.now.state, waiting.now.attempt) == ("backoff", 1)
    clock.write_text("-1h\n")
    steady.wants("stop", 1.0)
    end = steady.finished()
    assert (end.state, end.signal) == ("stopped", signal.SIGKILL)
    times = [event["boottime"] for event in steady.events()]
    assert times == sorted(times)
    asked = steady.events("desired")[-1]["boottime"]
    assert steady.events("signal")[-1]["boottime"] - asked >= 1.0


@pytest.mark.skipif(
    os.geteuid() != 0 or not run_quietly("unshare", "--time", "--boottime", "60", "-f", "true"),
    reason="needs root: no time namespace can be made here",
)
def test_pause_is_over_after_a_sleep_and_not_replayed(world: World) -> None:
    """The clock since boot went on for an hour while nobody ran, as after a suspend."""
    rule = RestartRule("on-failure", backoff_s=1800.0, backoff_max_s=1800.0, max_restarts=9)
    worker = world.start("sh", "-c", "test -e second && exec sleep 600; exit 1", restart=rule)
    worker.until(lambda now: now.state == "backoff")
    (world.folder / "second").touch()
    worker.kill_pair()
    world.prefix = ("unshare", "--time", "--boottime", "3600", "-f")
    world.another_agent().launch(worker.paths.folder)
    worker.running(attempt=2)
    assert [event["attempt"] for event in worker.events("intent")] == [1, 2]


@pytest.mark.parametrize("sleep_s", [2.5, pytest.param(600.0, marks=pytest.mark.long)])
def test_frozen_tree_goes_on_as_it_was(world: World, sleep_s: float) -> None:
    """The whole node sleeps: supervisors, worker, all."""
    worker = world.python(SLEEPS, restart=RestartRule("always"))
    worker.says("up")
    before = worker.kinds()
    pids = [worker.keeper("guardian"), worker.keeper("shim"), worker.now.pid or 0]
    for number, pause_s in ((signal.SIGSTOP, sleep_s), (signal.SIGCONT, 0.5)):
        for pid in pids:
            os.kill(pid, number)
        time.sleep(pause_s)
    assert worker.kinds() == before
    assert all(map(alive, pids))
    worker.wants("stop")
    assert worker.finished().state == "stopped"
    eventually(lambda: not worker.run.is_held())
