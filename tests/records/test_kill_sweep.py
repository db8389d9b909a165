"""kill -9 at every call that writes, in writing, sealing and recovering: each durable game is there exactly once."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agents import ROOT
from tests.faults_workers.traced import STRACE, Step, recorder, sample, steps_of
from tests.records.games import BOARD, PLAYERS, WORKER, files_in, game, seeds_in
from tests.supervisor.world import run_quietly
from workers.records import count, encode_line, recover

OPEN = Path(f"{BOARD}_{PLAYERS}p", "open")
QUICK = 10  # steps of each story in the quick version
GAMES = 5  # two shards and one game

pytestmark = pytest.mark.skipif(
    not (STRACE and run_quietly(STRACE, "-qq", "-o", "/dev/null", "true")),
    reason="strace cannot trace here",
)


class Story:
    """A child program, told once to learn its steps and then once for each, killed there."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.out = folder / "out"
        self._trace = folder / "trace"
        self._words = words
        self.hits = 0

    def steps(self) -> list[Step]:
        assert self._run(recorder(self._trace)).returncode == 0
        return [step for step in steps_of(self._trace) if step.call != "execve"]

    def killed_at(self, step: Step) -> list[str]:
        """What it said before it died; files that are opened for imports are not always as many."""
        done = self._run(step.killer(self._trace))
        assert done.returncode in (0, -signal.SIGKILL), (step, done.stderr)
        self.hits += done.returncode != 0
        return done.stdout.splitlines()

    def _run(self, prefix: list[str]) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-B", "-m", "tests.records.child", *self._words]
        return subprocess.run(
            [*prefix, *argv], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
        )


def check(out: Path, told: list[str], step: Step) -> None:
    """Durable games are there once; a second recovery finds nothing; nothing half done is left."""
    durable = max((int(line.split()[1]) for line in told if line.startswith("durable")), default=0)
    assert count(out).records >= durable, step
    found = recover(out)
    assert found.damaged == 0
    seeds = seeds_in(out)
    assert seeds == list(range(len(seeds))), step
    assert len(seeds) >= durable, step
    assert count(out)[:2] == (len(seeds), len(seeds)), step
    assert recover(out) == (0, 0, 0, (), ()), step
    left = [name for name in files_in(out) if not name.endswith(".jsonl.zst")]
    assert left == [], step


def wipe(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)


def write_through(folder: Path, fsync: str, limit: int) -> int:
    story = Story(folder, "write", str(folder / "out"), fsync, "0", str(GAMES), "2")
    steps = story.steps()
    assert seeds_in(story.out) == list(range(GAMES))
    for step in sample(steps, limit):
        wipe(story.out)
        check(story.out, story.killed_at(step), step)
    return story.hits


def leave_dead(out: Path, sealed_too: bool) -> None:
    """A journal of three games and a torn one; ``sealed_too``: its shard is there already."""
    wipe(out)
    journal = out / OPEN / f"{WORKER}.jsonl"
    journal.parent.mkdir(parents=True)
    whole = b"".join(encode_line(game(seed)) for seed in range(3))
    journal.write_bytes(whole)
    if sealed_too:
        recover(out)
        journal.write_bytes(whole)
    else:
        journal.write_bytes(whole + encode_line(game(3))[:100])
        (journal.parent / f".{WORKER}.jsonl.zst.tmp").write_bytes(b"half")


def recover_through(folder: Path, sealed_too: bool, limit: int) -> int:
    story = Story(folder, "recover", str(folder / "out"))
    leave_dead(story.out, sealed_too)
    steps = story.steps()
    for step in sample(steps, limit):
        leave_dead(story.out, sealed_too)
        check(story.out, [*story.killed_at(step), "durable 3"], step)
    return story.hits


def test_some_steps_of_writing(tmp_path: Path) -> None:
    assert write_through(tmp_path, "game", QUICK) > QUICK // 2


@pytest.mark.parametrize("sealed_too", [False, True], ids=["journal", "both"])
def test_some_steps_of_recovering(tmp_path: Path, sealed_too: bool) -> None:
    assert recover_through(tmp_path, sealed_too, QUICK // 2) > QUICK // 4


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fsync", ["game", "group:2,60", "none"])
def test_every_step_of_writing(
    tmp_path: Path, fsync: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report(write_through(tmp_path, fsync, sys.maxsize), capsys)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("sealed_too", [False, True], ids=["journal", "both"])
def test_every_step_of_recovering(
    tmp_path: Path, sealed_too: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    report(recover_through(tmp_path, sealed_too, sys.maxsize), capsys)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_death_in_writing_and_one_in_recovering(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = Story(tmp_path, "write", str(tmp_path / "out"), "game", "0", str(GAMES), "2")
    tried = 0
    for first in sample(story.steps(), 12):
        wipe(story.out)
        told = story.killed_at(first)
        dead = tmp_path / "dead"
        shutil.copytree(story.out, dead)
        second = Story(tmp_path, "recover", str(story.out))
        for step in second.steps():
            wipe(story.out)
            shutil.copytree(dead, story.out)
            second.killed_at(step)
            check(story.out, told, step)
        tried += second.hits
        shutil.rmtree(dead)
    report(tried, capsys)


def report(steps: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert steps > 3
    with capsys.disabled():
        print(f" {steps} steps tried, {steps} converged ", end="")
