"""Four copies of a worker on a node over real SSH: whatever dies between, the next console sees the same four."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Fleet
from tests.processes import alive, descendants
from tests.running import holders_below, runs_below, sweep

LOOP = "i=0; while :; do i=$((i+1)); echo $QD_WORKER $i; sleep 0.05; done"


@pytest.fixture(autouse=True)
def swept(fleet: Fleet) -> Iterator[None]:
    """Nothing that was started outlives the test."""
    yield
    for server in fleet.servers:
        sweep(server.home)


def quarterdeck(fleet: Fleet, *argv: str, home: Path | None = None) -> Any:
    """The program from outside; `home` is that of another console."""
    environment = fleet.environment | ({"HOME": str(home)} if home else {})
    command = [sys.executable, "-m", "console", "--config", str(fleet.settings), *argv]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)


def listed(fleet: Fleet, home: Path | None = None) -> dict[str, dict[str, Any]]:
    done = quarterdeck(fleet, "workers", "list", "--json", "--node", "h1", home=home)
    assert done.returncode == 0, done.stderr
    return {worker["name"]: worker for worker in json.loads(done.stdout)["workers"]}


def agents_and_sessions(fleet: Fleet) -> list[int]:
    """What a console has on the node: the server's sessions and the agents under them."""
    return [pid for server in fleet.servers for pid in descendants(server.pid)]


def test_four_copies_survive_all_who_watch_them_and_end_with_nothing_left(
    fleet: Fleet, tmp_path: Path
) -> None:
    node = fleet.servers[0]
    started = quarterdeck(
        fleet, "workers", "start", "--node", "h1", "--name", "copy", "--copies", "4", "--",
        "sh", "-c", LOOP,
    )  # fmt: skip
    assert started.returncode == 0, started.stderr
    before = listed(fleet)
    assert [before[f"copy-{n}"]["state"] for n in (1, 2, 3, 4)] == ["running"] * 4

    argv = [sys.executable, "-m", "console", "--config", str(fleet.settings), "workers", "logs",
            "copy-1", "--node", "h1", "-f"]  # fmt: skip
    console = subprocess.Popen(argv, env=fleet.environment, stdout=subprocess.PIPE)
    try:
        assert console.stdout is not None
        assert console.stdout.readline() == b"copy-1 1\n"
        node.kill_sessions()  # agents and sshd's sessions; the console is still there
        numbers = [int(console.stdout.readline().split()[1]) for _ in range(120)]
        assert numbers == list(range(2, 122)), "each line once, over the lost link"
        console.kill()
        for pid in agents_and_sessions(fleet):
            with contextlib.suppress(ProcessLookupError):  # it may end with its connection
                os.kill(pid, signal.SIGKILL)
    finally:
        console.kill()
        console.wait()

    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    after = listed(fleet, home=other)
    for name, worker in before.items():
        assert (after[name]["run_id"], after[name]["pid"], after[name]["state"]) == (
            worker["run_id"], worker["pid"], "running",
        )  # fmt: skip
        assert alive(worker["pid"])

    stopped = quarterdeck(fleet, "workers", "stop", "copy-*", "--node", "h1", "--wait", home=other)
    assert stopped.returncode == 0, stopped.stderr
    assert {worker["state"] for worker in listed(fleet).values()} == {"stopped"}
    assert runs_below(node.home) == []
    deadline = time.monotonic() + 15
    while left := [pid for pid in holders_below(node.home) if alive(pid)]:
        assert time.monotonic() < deadline, f"still hold something of a run: {left}"
        time.sleep(0.1)
