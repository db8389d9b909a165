"""kill -9 at every call that writes: the next run finishes, and every record is there exactly once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agents import ROOT
from tests.faults_workers.traced import STRACE, Step, recorder, sample, steps_of
from tests.jobs_aggregate.world import World, lines_of, text_of
from tests.records.games import game
from tests.supervisor.world import run_quietly
from workers.records import encode_line

QUICK = 8
LOUD = ("fsync", "rename", "mkdir", "unlink", "ftruncate")  # those that change what there is

pytestmark = pytest.mark.skipif(
    not (STRACE and run_quietly(STRACE, "-qq", "-o", "/dev/null", "true")),
    reason="strace cannot trace here",
)


class Story:
    """Two merges: one is over, the other is killed. Three generations, duplicates, a rejected line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trace = folder / "trace"
        self.before = folder / "before"
        world = World(self.before)
        world.copy("a", "x.jsonl", text_of(lines_of(1, 2)))
        world.merge()
        world.copy("a", "x.jsonl", text_of(lines_of(1, 2, 3, 1)))
        world.copy("b", "x.jsonl", text_of([*lines_of(2, 4), b"no record"]))
        world.copy("b", "y.jsonl", encode_line(game(1)) + encode_line(game(2)))
        world.copy("c", "y.jsonl", encode_line(game(2)) + text_of(lines_of(5, 3)))
        self.expected = sorted(
            [*lines_of(1, 2, 3, 4, 5), *(encode_line(game(n))[:-1] for n in (1, 2))]
        )
        self.hits = 0

    def steps(self) -> list[Step]:
        assert self.run(recorder(self.trace)).returncode == 0
        self.check()
        return [step for step in steps_of(self.trace) if step.call != "execve"]

    def die_at(self, step: Step) -> None:
        done = self.run(step.killer(self.trace))
        assert done.returncode in (0, -signal.SIGKILL), (step, done.stderr)
        self.hits += done.returncode != 0
        self.check(str(step))

    def run(self, prefix: list[str]) -> subprocess.CompletedProcess[str]:
        shutil.rmtree(self.folder / "D", ignore_errors=True)
        shutil.copytree(self.before, self.folder / "D")
        argv = [sys.executable, "-B", "-m", "tests.jobs_aggregate.child", str(self.folder / "D"), "90"]  # fmt: skip
        return subprocess.run(
            [*prefix, *argv], cwd=ROOT, capture_output=True, text=True, check=False, timeout=90,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    def check(self, step: str = "") -> None:
        world = World(self.folder / "D")
        said = {(e.node, e.path, e.bytes, e.hash, e.generation) for e in world.entries()}
        there = {manifest["generation"] for manifest in world.manifests}
        assert {entry[-1] for entry in said} <= there, (
            step
        )  # nothing is called aggregated that is not
        world.options = {"generation_bytes": 90, "part_bytes": 1}
        world.merge()
        assert sorted(world.lines()) == self.expected, step
        assert [each["text"] for each in world.rejected()] == ["no record"], step
        entries = world.entries()
        assert len(entries) == len(set(entries)) == 5, step
        assert sum(entry.new for entry in entries) == len(self.expected), step
        assert world.merge() == [], step


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_some_steps(story: Story) -> None:
    steps = story.steps()
    loud = [step for step in steps if step.call in LOUD]
    for step in [*sample(loud, QUICK - 2), *sample([s for s in steps if s not in loud], 2)]:
        story.die_at(step)
    assert story.hits > QUICK // 2


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_every_step(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    for step in story.steps():
        story.die_at(step)
    with capsys.disabled():
        print(f" {story.hits} steps tried ", end="")
