"""A run that starts another, as a schedule does: each is ended for itself."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.agents import ROOT
from tests.processes import alive
from tests.supervisor.world import Worker, World, eventually

# An agent of its own: the job's child, which has a starter, which forks the pair.
LAUNCHES = """
import json, os, sys, time
sys.path.insert(0, {root!r})
from workers.supervisor.launch import Launcher
launcher = Launcher(json.loads({login!r}), {root!r})
print(launcher.launch({folder!r}).outcome, flush=True)
if os.fork() == 0:
    os.setsid()
    os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)", {name!r}])
time.sleep(600)
"""


def _started(world: World, inner: Worker) -> Worker:
    import json

    code = LAUNCHES.format(
        root=str(ROOT), login=json.dumps(world.login), folder=inner.paths.folder,
        name="quarterdeck-supervisor",
    )  # fmt: skip
    outer = world.python(code, name="outer")
    outer.says("held")
    inner.running()
    return outer


@pytest.mark.parametrize("act", ["stop", "kill"])
def test_what_a_run_started_goes_on_when_it_is_stopped(world: World, act: str) -> None:
    inner = world.create("sleep", "600", name="inner")
    outer = _started(world, inner)
    eventually(lambda: len(world.carriers()) == 3)  # sleep, the outer, its helper
    outer.wants(act, 1.0)
    end = outer.finished()
    assert (end.state, end.leftovers) == ("stopped", 0)
    assert inner.now.state == "running"
    # Whoever only bears the name of a supervisor is none: it is gone.
    eventually(lambda: len(world.carriers()) == 1)
    main = inner.now.pid
    assert main is not None
    assert alive(main)
    inner.wants("stop", 2.0)
    assert inner.finished().signal == signal.SIGTERM
    assert not alive(main)


def test_the_pair_of_the_inner_one_carries_nothing_of_the_outer(world: World) -> None:
    inner = world.create("sleep", "600", name="inner")
    _started(world, inner)
    for role in ("guardian", "shim"):
        environment = Path(f"/proc/{inner.keeper(role)}/environ").read_bytes()
        assert b"QD_" not in environment
