"""The starter: from a bundle that is only an open file, on the oldest Python, and killed at any time."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from console.channels import bundle
from tests.agent.conftest import python39
from tests.agents import ROOT
from tests.processes import alive, command_of, descendants
from tests.supervisor.world import World, eventually
from workers.agent.shelf import nameless
from workers.supervisor import unit
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
    return any(b"quarterdeck-supervisor" in word for word in command_of(pid))


MANAGER = """#!{python}
import json, os, sys
with open({log!r}, "w") as log:
    json.dump(sys.argv[1:], log)
if os.fork() == 0:
    os.setsid(); os.dup2(os.open("/dev/null", os.O_RDWR), 2)
    argv = sys.argv[sys.argv.index("--") + 1:]
    os.execve(argv[0], argv, {{"PATH": "/bin"}})
"""


def test_pair_becomes_a_unit_where_a_logout_would_end_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for the user's systemd, which execs what it is given with an environment of its own."""
    manager = tmp_path / "systemd-run"
    manager.write_text(MANAGER.format(python=sys.executable, log=str(tmp_path / "log")))
    manager.chmod(0o755)
    monkeypatch.setattr(unit, "PROGRAM", str(manager))
    login = {**world.login, "SECRET": "s3cret"}
    launcher = Launcher(login, str(ROOT), in_units=True)
    worker = world.create("sh", "-c", 'test "$SECRET" = s3cret && exec sleep 600')
    assert launcher.launch(worker.paths.folder).outcome == "held"
    worker.running()
    assert launcher.launch(worker.paths.folder).outcome == "refused"
    argv = json.loads((tmp_path / "log").read_text())
    assert argv[:2] == ["--user", "--quiet"]
    assert "--property=KillMode=process" in argv
    assert "s3cret" not in " ".join(argv)
    assert not os.path.exists(os.path.join(worker.paths.folder, "environment"))
    # The manager stops its units: the worker ends by its own ladder.
    os.kill(worker.keeper("guardian"), signal.SIGTERM)
    worker.until(lambda now: now.signal == signal.SIGTERM)


def test_manager_that_refuses_is_quoted(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = tmp_path / "systemd-run"
    manager.write_text("#!/bin/sh\necho 'Failed to connect to bus' >&2; exit 1\n")
    manager.chmod(0o755)
    monkeypatch.setattr(unit, "PROGRAM", str(manager))
    worker = world.create("true")
    with pytest.raises(OSError, match="Failed to connect to bus"):
        Launcher(world.login, str(ROOT), in_units=True).launch(worker.paths.folder)
    assert not worker.run.is_held()
