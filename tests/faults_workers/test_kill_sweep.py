"""kill -9 at every call that writes, forks or signals: in the agent, in the pair, while a log is rotated.

After each there is one worker or none, the state is readable, and the next agent makes it what was wanted.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.agent_workers.node import Asker, Node
from tests.agents import ROOT
from tests.faults_workers.desk import LONG
from tests.faults_workers.traced import (
    STRACE,
    Step,
    end_tracer,
    has_killed,
    recorder,
    sample,
    steps_of,
)
from tests.logs.world import read_all
from tests.processes import alive
from tests.running import sweep
from workers.protocol import CommandWorker, Failure, StartWorker, WorkerSpec
from workers.supervisor import holder, launch
from workers.supervisor.condition import LIVE
from workers.supervisor.launch import Launcher
from workers.supervisor.run import Run

pytestmark = [
    pytest.mark.skipif(not STRACE, reason="strace is not installed"),
    pytest.mark.timeout(3600 if LONG else 150),
]

LOGIN = {"PATH": os.environ["PATH"], "HOME": "/", "LANG": "C.UTF-8"}
CONVERGED_S = 20.0  # promised in 5 s; the machine may be busy with other tests
STORY_S = 15.0
ONE = "import os,sys,time\nprint('up',flush=True)\ntime.sleep(600)"
ROTATED = 40_000
# Not by write(): only the supervisor's calls are counted.
WRITES = (
    "import os,time\n"
    f"for n in range(0, {ROTATED}, 100):\n"
    "    os.writev(1, [b'line %08d\\n' % k for k in range(n, n + 100)]); time.sleep(.004)\n"
    "time.sleep(600)"
)
SMALL_LOGS = (
    "from workers.supervisor import rotation, log_room; "
    "rotation.Rotator.__init__.__defaults__ = (log_room.Limits(65536, 65536, 2**40, 0),); "
)


class Lives:
    """One node after the other, each with one run of one story."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    @contextmanager
    def node(self) -> Iterator[Node]:
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        try:
            yield Node(folder)
        finally:
            sweep(folder)


def spec_of(code: str = ONE) -> WorkerSpec:
    command = (sys.executable, "-I", "-S", "-c", code)
    return WorkerSpec(secrets.token_hex(16), "w", command, grace_s=2.0, by="ada@desk")


def mains(node: Node, run_id: str) -> list[int]:
    """The processes of the run's worker: it starts no others."""
    return node.processes(run_id)


def wait(holds: Callable[[], object], within_s: float = STORY_S) -> bool:
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


# ---------------------------------------------------------------- stories


def told_to_an_agent(node: Node, spec: WorkerSpec, prefix: list[str]) -> None:
    """An agent is asked to start, restart and stop; with it everything it starts is traced."""
    try:
        with node.agent(watch=False, before=tuple(prefix)) as console:
            for message in (
                StartWorker(spec),
                CommandWorker(spec.run_id, "restart", "ada@desk"),
                CommandWorker(spec.run_id, "stop", "ada@desk"),
            ):
                console.ask(message, STORY_S)
            run = node.run(spec.run_id)
            reached(run, lambda: run.condition().finished)
    except (AssertionError, BrokenPipeError, ConnectionResetError):
        pass  # it died in the middle, as it should


def told_to_a_pair(
    node: Node, spec: WorkerSpec, prefix: list[str], patch: str = "", acts: bool = True
) -> None:
    """A pair starts, restarts and stops the worker; only starter, pair and worker are traced."""
    os.makedirs(node.folder, mode=0o700, exist_ok=True)
    run = node.runs.create(spec, "ada@desk")
    launcher = PrefixedLauncher(prefix, patch)
    try:
        launcher.launch(run.paths.folder)
        reached(run, lambda: run.condition().state == "running")
        for act in ("restart", "stop") if acts else ():
            run.want(act, "ada@desk", None)
            holder.poke(run.paths.lock)
            if act == "restart":
                reached(run, lambda: (run.condition().attempt, run.condition().state) == (2, "running"))  # fmt: skip
            else:
                reached(run, lambda: run.condition().finished)
        if not acts:
            last = b"line %08d\n" % (ROTATED - 1)
            reached(run, lambda: read_all(run.paths.attempt(1))[0].endswith(last))
    except OSError:
        pass
    finally:
        launcher.close()


def reached(run: Run, holds: Callable[[], object]) -> None:
    """Waits for it, or for the end of whoever takes care of the run."""
    wait(lambda: holds() or not run.is_held())


def keepers(run: Run) -> list[int]:
    found = holder.holder(run.paths.lock)
    return [keeper.pid for keeper in found.keepers if alive(keeper.pid)] if found else []


class PrefixedLauncher(Launcher):
    """A launcher whose starter runs below a command, from a changed program."""

    def __init__(self, prefix: list[str], patch: str) -> None:
        super().__init__(LOGIN, str(ROOT))
        self._prefix, self._patch = prefix, patch

    def _begin(self) -> None:
        plain, start = launch.starter_argv, launch._START
        program = start.replace("from ", self._patch + "from ", 1)
        launch._START = program
        launch.starter_argv = lambda source: ([*self._prefix, *plain(source)[0]], plain(source)[1])
        try:
            super()._begin()
        finally:
            launch.starter_argv, launch._START = plain, start


# ---------------------------------------------------------------- what must hold then


def converge(node: Node, spec: WorkerSpec, step: Step) -> None:
    """The next agent finds one worker or none; what is asked of it again comes about, once."""
    run_id = spec.run_id
    assert len(mains(node, run_id)) <= 1, step
    assert all(not run.faults() for run in node.runs.all()), step
    with node.agent() as console:
        console.ask(StartWorker(spec))  # the console's retry: the same run
        wanted = node.run(run_id).desired().want
        try:
            record = console.record(
                run_id, lambda r: settled(node, r.state, wanted, run_id), CONVERGED_S
            )
        except AssertionError as error:
            raise AssertionError(f"{step}: {error}\n{story(node, run_id)}") from None
        found = mains(node, run_id)
        assert len(found) == (record.state == "running"), (step, record)
        assert (record.pid in found) == (record.state == "running"), (step, record)
        assert record.state != "lost", (step, record, node.run(run_id).events())
        stop(console, run_id)
        console.record(run_id, lambda r: r.state not in LIVE, CONVERGED_S)
    assert mains(node, run_id) == [], step
    run = node.run(run_id)
    assert wait(lambda: run.condition().finished and not keepers(run), CONVERGED_S), step
    assert run.faults() == (), step
    numbers = [event["seq"] for event in run.events()]
    assert numbers == list(range(1, len(numbers) + 1)), step


def story(node: Node, run_id: str) -> str:
    """For a failed test: what happened."""
    run = node.run(run_id)
    lines = [
        " ".join(f"{k}={v}" for k, v in event.items() if k not in ("crc", "spec", "boot_id"))
        for event in run.events()
    ]
    lines.append(f"{run.desired()}; supervisors {keepers(run)}, worker {mains(node, run_id)}")
    return "\n".join(lines)


def settled(node: Node, state: str, wanted: str, run_id: str) -> bool:
    """One that runs is wanted and watched; one that ended may have been killed itself."""
    if state == "running":
        return wanted == "running" and bool(node.keepers(run_id))
    return state not in LIVE


def stop(console: Asker, run_id: str) -> None:
    reply = console.command(run_id, "stop")
    assert not isinstance(reply, Failure), reply


Story = Callable[[Node, WorkerSpec, list[str]], None]


def swept(lives: Lives, trace: Path, tell: Story, count: int, code: str = ONE) -> str:
    """Tells the story once for each step, killed there, and sees what must hold after it; a sum in words."""
    with lives.node() as node:
        tell(node, spec_of(code), recorder(trace))
        end_tracer(trace)
    steps = steps_of(trace)
    tried = steps if LONG else sample(steps, count)
    missed = []
    for step in tried:
        with lives.node() as node:
            spec = spec_of(code)
            tell(node, spec, step.killer(trace))
            end_tracer(trace)
            missed += [] if has_killed(trace) else [str(step)]
            converge(node, spec, step)
            if code == WRITES:
                assert_all_lines(node, spec, step)
    assert len(missed) <= len(tried) // 4, f"nobody was killed at {missed}"
    return (
        f"{len(tried)} of {len(steps)} steps tried, {len(tried)} converged, not reached: {missed}"
    )


def assert_all_lines(node: Node, spec: WorkerSpec, step: Step) -> None:
    """What the worker wrote is there, each byte once."""
    data, losses = read_all(node.run(spec.run_id).paths.attempt(1))
    assert losses == [], step
    wanted = b"".join(b"line %08d\n" % n for n in range(data.count(b"\n")))
    assert data == wanted, step


@pytest.mark.parametrize(
    "tell", [told_to_an_agent, told_to_a_pair], ids=["agent, pair and worker", "pair and worker"]
)
def test_start_restart_and_stop_killed_at_any_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tell: Story
) -> None:
    sum_of_it = swept(Lives(tmp_path), tmp_path / "trace", tell, 6)
    with capsys.disabled():
        print(f"\n{tell.__name__}: {sum_of_it}", end=" ")


def test_rotation_killed_at_any_step_under_its_worker(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def tell(node: Node, spec: WorkerSpec, prefix: list[str]) -> None:
        told_to_a_pair(node, spec, prefix, SMALL_LOGS, acts=False)

    sum_of_it = swept(Lives(tmp_path), tmp_path / "trace", tell, 4, WRITES)
    with capsys.disabled():
        print(f"\nrotation: {sum_of_it}", end=" ")
