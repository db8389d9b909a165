"""Limits of control groups: a storm of forks, workers and supervisors that run out of memory."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.fleet.workers.words import outcome
from tests.agent_workers.node import Node, script, spec, until
from tests.processes import alive
from tests.running import sweep
from workers.protocol import WorkerReply
from workers.supervisor import cgroup
from workers.supervisor.condition import LIVE

V1 = Path("/sys/fs/cgroup")
# Forks up to the limit and stays there: who ends forks again. Each leaves its group and is deaf to TERM.
STORM = (
    "import os, signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    "over = time.monotonic() + 60\n"
    "while time.monotonic() < over:\n"
    "    try: child = os.fork()\n"
    "    except OSError: child = 1\n"
    "    if child == 0: os.setsid()\n"
    "    time.sleep(.05)\n"
)
GREEDY = "import time\nheld = []\nwhile True: held.append(b'x' * 1_000_000); time.sleep(.001)\n"
MIB = 1 << 20
MOST = 100


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    yield made
    sweep(tmp_path)


def group(controller: str) -> Path:
    """A fresh group of the v1 hierarchy; skips where there is none."""
    root = V1 / controller
    if os.geteuid() != 0 or not (root / "cgroup.procs").exists():
        pytest.skip(f"needs root and the {controller} controller (v1)")
    made = root / f"qd-{secrets.token_hex(4)}"
    made.mkdir()
    return made


@pytest.fixture
def pids() -> Iterator[Path]:
    """A group of at most MOST processes."""
    made = group("pids")
    (made / "pids.max").write_text(str(MOST))
    yield made
    until(lambda: removed(made))


@pytest.fixture
def memory() -> Iterator[Path]:
    made = group("memory")
    yield made
    until(lambda: removed(made))


def removed(made: Path) -> bool:
    try:
        made.rmdir()
    except OSError:
        return False
    return True


def within(made: Path) -> tuple[str, ...]:
    """A command before one that shall live in the group."""
    return ("sh", "-c", f'echo $$ > {made}/cgroup.procs && exec "$@"', "sh")


def test_a_storm_that_leaves_nobody_a_process_ends_with_the_stop(node: Node, pids: Path) -> None:
    """The agent is under the same limit: it can start no thread for the request."""
    wanted = spec("storm", sys.executable, "-I", "-S", "-c", STORM, grace_s=1.0)
    with node.agent(before=within(pids)) as console:
        console.start(wanted)
        until(lambda: int((pids / "pids.current").read_text()) == MOST)
        reply = console.command(wanted.run_id, "stop")
        assert isinstance(reply, WorkerReply), reply
        record = console.record(wanted.run_id, lambda r: r.state == "stopped", 20.0)
        assert record.kill_pending == ()
        assert node.processes(wanted.run_id) == []


def test_a_worker_without_memory_says_so_and_a_killed_one_does_not(
    node: Node, memory: Path
) -> None:
    (memory / "memory.limit_in_bytes").write_text(str(150 * MIB))
    killed = spec("killed", "sleep", "600")
    greedy = spec("greedy", sys.executable, "-I", "-S", "-c", GREEDY)
    with node.agent(before=within(memory)) as console:
        os.kill(console.start(killed).pid or 0, signal.SIGKILL)
        record = console.record(killed.run_id, lambda r: r.state not in LIVE)
        assert (record.state, record.signal, record.oom) == ("exited", signal.SIGKILL, False)
        console.start(greedy)
        record = console.record(greedy.run_id, lambda r: r.state not in LIVE)
        assert (record.state, record.signal, record.oom) == ("exited", signal.SIGKILL, True)
        assert "out of memory" in outcome(record)


def test_what_the_kernel_did_to_others_long_ago_is_no_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = tmp_path / "memory.events"
    events.write_text("oom_kill 3\n")
    monkeypatch.setattr(cgroup, "_memory_events", lambda _: str(events))
    counter = cgroup.OomCounter(1)
    events.write_text("oom_kill 4\n")
    counter.look()
    assert counter.grew(), "it may be this very one, which is still dying"
    counter.look()
    assert not counter.grew()
    events.write_text("oom_kill 5\n")
    assert counter.grew()


def test_a_shim_without_memory_leaves_the_worker_to_the_guardian(node: Node, memory: Path) -> None:
    wanted = script("kept", "until [ -e $HOME/go ]; do sleep 0.05; done; exit 37")
    with node.agent() as console:
        pid = console.start(wanted).pid or 0
        [shim] = [each for each in node.keepers(wanted.run_id) if pid in children(each)]
        (memory / "cgroup.procs").write_text(str(shim))
        strangle(memory, shim)
        until(lambda: not alive(shim))
        record = console.record(wanted.run_id, lambda r: "unguarded" in r.flags)
        assert (record.state, record.pid, record.attempt) == ("running", pid, 1)
        assert "shim_lost" in [event["kind"] for event in node.run(wanted.run_id).events()]
        (node.home / "go").touch()
        record = console.record(wanted.run_id, lambda r: r.state not in LIVE)
        assert (record.state, record.exit_code) == ("exited", 37)


def strangle(memory: Path, pid: int) -> None:
    """Leaves a process no page: its next one is its last."""

    def tighter() -> bool:
        used = int((memory / "memory.usage_in_bytes").read_text())
        for limit in (used, 4096, 0):
            try:
                (memory / "memory.limit_in_bytes").write_text(str(limit))
            except OSError:
                continue
        try:
            os.kill(pid, signal.SIGHUP)  # it looks around, which takes memory
        except ProcessLookupError:
            return True
        return not alive(pid)

    until(tighter)


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
