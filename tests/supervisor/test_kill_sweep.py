"""kill -9 at every step of start, restart and stop: each time the next agent finds one worker, or none."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.supervisor.world import Worker, World, eventually, run_quietly
from workers.machine.process import start_ticks
from workers.supervisor import holder

# What changes anything: files, processes, signals.
CALLS = (
    "fsync", "write", "rename", "pwrite64", "unlink", "mkdir", "ftruncate", "fallocate", "utimensat",
    "clone", "execve", "wait4", "waitid", "kill", "pidfd_send_signal", "setsid", "prctl", "flock",
)  # fmt: skip
SAMPLE = (("fsync", 2), ("fsync", 8), ("rename", 1), ("write", 9), ("kill", 1))
TRACE = ("strace", "-f", "-qq", "-e", f"trace={','.join(CALLS)}")
CONVERGES_S = 10.0  # twice what is promised

pytestmark = pytest.mark.skipif(
    not run_quietly(*TRACE, "-o", "/dev/null", "true"), reason="strace cannot trace here"
)


class Trial:
    """One run whose supervisor is killed at its K-th call, and an agent that comes by every few moments."""

    def __init__(self, world: World, call: str, step: int, both: bool) -> None:
        self._world = world
        self._both = both
        self._log = world.folder / f"trace-{call}-{step}"
        world.prefix = (
            *TRACE, "-o", str(self._log), "-e", f"inject={call}:signal=SIGKILL:when={step}",
        )  # fmt: skip
        self._launcher = world.another_agent()
        world.prefix = ()
        self._next = world.launcher()
        self.worker: Worker = world.create("sleep", "600", grace_s=2.0)

    def begin(self) -> None:
        try:
            self._launcher.launch(self.worker.paths.folder)
        except OSError:
            pass  # the starter was killed twice

    def reaches(self, state: str, attempt: int) -> bool:
        """Reconciles as agents do until the run is there.

        False where the fault hit the worker's own process on its way to its command: an end like any other.
        """
        deadline = time.monotonic() + CONVERGES_S
        while True:
            now = self.worker.now
            if (now.state, now.attempt) == (state, attempt) and (
                now.finished or state == "running"
            ):
                return True
            if self._is_over() and (now.state, now.signal) == ("exited", signal.SIGKILL):
                return False
            assert time.monotonic() < deadline, self.worker.story()
            assert len(self.sleepers()) <= 1, self.worker.story()
            self._reconcile()
            time.sleep(0.005)

    def sleepers(self) -> list[int]:
        """Workers that execute their command."""
        found = []
        for pid in self._world.carriers():
            try:
                if Path(f"/proc/{pid}/comm").read_text() == "sleep\n":
                    found.append(pid)
            except OSError:
                continue
        return found

    @property
    def hit(self) -> bool:
        """Whether anybody got as far as that step."""
        return "killed by SIGKILL" in self._log.read_text(errors="replace")

    def end(self) -> None:
        eventually(lambda: not self.sleepers(), say=self.worker.story)
        starts = [event["attempt"] for event in self.worker.events("started")]
        assert len(starts) == len(set(starts)), self.worker.story()
        assert not self.worker.run.faults()
        for launcher in (self._launcher, self._next):
            launcher.close()

    def _reconcile(self) -> None:
        run = self.worker.run
        if self._both:
            self._kill_survivor()
        if not run.is_held() and not self._is_over():
            try:
                self._next.launch(self.worker.paths.folder)
            except OSError:
                pass  # a later look tries again

    def _is_over(self) -> bool:
        """Nothing more was wanted of it than what has been done."""
        wanted, now = self.worker.run.desired(), self.worker.run.condition()
        return now.finished and wanted.sequence <= now.sequence

    def _kill_survivor(self) -> None:
        """Of a pair of which one was killed."""
        found = holder.holder(self.worker.paths.lock)
        for keeper in found.keepers if found and self.worker.now.unguarded else ():
            if start_ticks(keeper.pid) == keeper.ticks:
                os.kill(keeper.pid, signal.SIGKILL)


def survives(world: World, call: str, step: int, both: bool) -> bool:
    """Starts, restarts and stops a run through the fault; whether anybody was killed."""
    trial = Trial(world, call, step, both)
    trial.begin()
    for attempt, act in ((1, "restart"), (2, "stop")):
        if not trial.reaches("running", attempt):
            break
        trial.worker.wants(act)
    else:
        trial.reaches("stopped", 2)
    trial.end()
    return trial.hit


@pytest.mark.parametrize("both", [False, True], ids=["one", "both"])
def test_some_steps(world: World, both: bool) -> None:
    hits = [survives(world, call, step, both) for call, step in SAMPLE]
    assert sum(hits) > len(hits) / 2, "a step that nobody reaches tries nothing"


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("both", [False, True], ids=["one", "both"])
def test_every_step(world: World, both: bool) -> None:
    tried = 0
    for call in CALLS:
        step = 1
        while survives(world, call, step, both):
            tried, step = tried + 1, step + 1
    print(f"{tried} steps tried, {tried} converged")
    assert tried > 50
