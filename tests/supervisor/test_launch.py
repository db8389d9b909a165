"""The starter: from a bundle that is only an open file, on the oldest Python, and killed at any time."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from console.channels import bundle
from tests.agent.conftest import python39
from tests.processes import alive, descendants
from tests.supervisor.world import World, eventually
from workers.agent.shelf import nameless
from workers.supervisor.launch import Launcher


def test_oldest_python_does_all_of_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    python = python39()
    if python is None:
        pytest.skip("no Python 3.9 was found")
    monkeypatch.setattr(sys, "executable", python)
    worker = world.python(
        "import os,time\nif os.fork() == 0:\n    os.setsid(); time.sleep(600)\n"
        "print('up',flush=True)\ntime.sleep(600)"
    )
    worker.says("up")
    os.kill(worker.keeper("shim"), signal.SIGKILL)
    worker.until(lambda now: now.unguarded)
    worker.wants("restart", 0.5)
    worker.running(attempt=2)
    worker.kill_pair()
    world.another_agent().launch(worker.paths.folder)
    worker.until(lambda now: now.adopted)
    worker.wants("stop", 0.5)
    assert worker.finished().state == "stopped"
    assert world.carriers() == []


def test_pair_runs_from_a_bundle_that_has_no_name(world: World) -> None:
    """The agent runs from memory where it cannot be stored; what it launches outlives it all the same."""
    held = nameless(bundle.build().data)
    launcher = Launcher(world.login, f"/proc/{os.getpid()}/fd/{held}")
    worker = world.create("sh", "-c", "while ! test -e go; do sleep .01; done; ls -l /proc/self/fd")
    try:
        assert launcher.launch(worker.paths.folder).outcome == "held"
    finally:
        launcher.close()
        os.close(held)
    worker.running()
    os.kill(worker.keeper("shim"), signal.SIGKILL)
    worker.until(lambda now: now.unguarded)
    (world.folder / "go").touch()
    assert worker.finished().exit_code == 0
    assert "memfd" not in worker.output(), "the bundle is open in the worker"


def test_killed_starter_is_replaced_and_its_pairs_stay(world: World) -> None:
    first = world.start("sleep", "600")
    first.running()
    starter = next(pid for pid in descendants(os.getpid(), deep=False) if _is_starter(pid))
    os.kill(starter, signal.SIGKILL)
    second = world.start("sleep", "600", name="second")
    second.running()
    assert first.now.state == "running"
    assert alive(first.keeper("shim"))


def test_run_that_is_not_there_is_said(world: World) -> None:
    with pytest.raises(OSError, match="no such run"):
        world.launcher().launch(str(world.folder / "nodes" / world.key / "runs" / "absent"))


def test_starter_ends_with_its_agent(world: World) -> None:
    worker = world.start("sleep", "600")
    worker.running()
    starter = next(pid for pid in descendants(os.getpid(), deep=False) if _is_starter(pid))
    world.another_agent()
    eventually(lambda: not alive(starter))
    assert alive(worker.now.pid or 0)


def _is_starter(pid: int) -> bool:
    try:
        return b"quarterdeck-supervisor" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
