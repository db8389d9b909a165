"""kill -9 at every system call that writes: what was told done is there, the rest is whole or not there."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.supervisor_state.runs import RUN_ID, SPEC, finish, python, runs_in
from workers.protocol import plain
from workers.supervisor import exit_record
from workers.supervisor.run import Run
from workers.supervisor.runs import RunExists

CALLS = "write,pwrite64,rename,fsync,ftruncate,unlink,unlinkat,mkdir,rmdir,fallocate"
HEAD = """
import json, os, sys
from workers.protocol import WorkerSpec, decode
from workers.supervisor import exit_record, pid_record, storage
from workers.supervisor.exit_record import ExitRecord
from workers.supervisor.pid_record import PidRecord
from workers.supervisor.runs import Runs
runs = Runs(sys.argv[1])
def done(step):
    os.write(1, step.encode() + b"\\n")
"""
CREATE = (
    HEAD
    + """
runs.create(decode(WorkerSpec, json.loads(sys.argv[2])), "ada@desk")
done("created")
"""
)
LIVE = (
    HEAD
    + """
(run,) = runs.all()
paths = run.paths.attempt(1)
run.append("intent", attempt=1); done("intent")
storage.make_folder(paths.folder)
exit_record.prepare(paths.exit_record); done("prepared")
pid_record.write(paths.pid, PidRecord(1, 4242, 777)); done("pid")
run.append("started", attempt=1, pid=4242, ticks=777); done("started")
run.want("stop", "ada@desk"); done("wanted")
exit_record.write(paths.exit_record, ExitRecord(1, code=37)); done("ended")
run.append("exited", attempt=1, code=37); done("exited")
run.append("finished"); done("finished")
"""
)
MEND = (
    HEAD
    + """
(run,) = runs.all()
run.heal()
done("healed")
"""
)
FORGET = (
    HEAD
    + """
(run,) = runs.all()
runs.forget(run)
done("forgotten")
"""
)


def sweep(
    code: str, node: Path, lay_out: Callable[[], None], *arguments: str
) -> Iterator[tuple[str, list[str]]]:
    """Runs `code` anew for each call it makes, killed at that call: (which, the steps it told done)."""
    lay_out()
    trace = node.parent.parent / "trace"
    done = python(
        code, node, *arguments, prefix=["strace", "-o", str(trace), "-e", f"trace={CALLS}"]
    )
    assert done.returncode == 0, done.stderr
    made = Counter(line.partition("(")[0] for line in trace.read_text().splitlines() if "(" in line)
    for call, times in made.items():  # strace counts each call by itself
        for time in range(1, times + 1):
            lay_out()
            inject = f"inject={call}:signal=SIGKILL:when={time}"
            prefix = ["strace", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
            done = python(code, node, *arguments, prefix=prefix)
            assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), (
                call,
                time,
                done.stderr,
            )
            yield f"{call} {time}", done.stdout.split()


def report(steps: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f" {len(steps)} steps tried, {len(steps)} converged ", end="")
    assert len(steps) > 10


def test_a_start_is_there_or_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node = tmp_path / "nodes" / "key"

    def wipe() -> None:
        shutil.rmtree(tmp_path / "nodes", ignore_errors=True)

    steps = []
    for step, said in sweep(CREATE, node, wipe, json.dumps(plain(SPEC))):
        runs = runs_in(tmp_path)
        found = runs.all()
        assert len(found) == 1 or not said, step
        for run in found:
            assert (run.spec(), run.faults(), run.condition().state) == (SPEC, (), "created"), step
        try:
            again = runs.create(SPEC)
        except RunExists as exists:
            again = exists.run
        assert runs.all() == [again]
        assert again.faults() == ()
        assert os.listdir(runs.folder) == [RUN_ID]
        steps.append(step)
    report(steps, capsys)


def test_a_life_is_told_as_far_as_it_was_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = tmp_path / "nodes" / "key"
    runs_in(tmp_path / "fresh").create(SPEC)

    def lay_out() -> None:
        shutil.rmtree(tmp_path / "nodes", ignore_errors=True)
        shutil.copytree(tmp_path / "fresh" / "nodes", tmp_path / "nodes")

    order = ["intent", "started", "exited", "finished"]
    steps = []
    for step, said in sweep(LIVE, node, lay_out):
        (run,) = runs_in(tmp_path).all()
        check_life(run, said)
        lock = run.take()
        assert lock is not None, step
        run.heal()
        os.close(lock)
        check_life(run, said)
        assert run.faults() == (), step
        kinds = [event["kind"] for event in run.events() if event["kind"] in order]
        assert kinds == order[: len(kinds)], step
        run.append("warning", text="goes on")
        assert [event["seq"] for event in run.events()] == list(range(1, len(run.events()) + 1))
        steps.append(step)
    report(steps, capsys)


def check_life(run: Run, said: list[str]) -> None:
    """All that was told done can be read."""
    now = run.condition()
    assert run.spec() == SPEC
    assert now.attempt == 1 or "intent" not in said
    assert now.pid == 4242 or "started" not in said or now.state == "exited"
    assert (now.state, now.exit_code) == ("exited", 37) or "exited" not in said
    assert now.finished or "finished" not in said
    assert run.desired().want == ("stopped" if run.desired().sequence == 2 else "running")
    assert run.desired().sequence == 2 or "wanted" not in said
    ended = exit_record.read(run.paths.attempt(1).exit_record)
    assert (ended is not None and ended.code == 37) or "ended" not in said
    assert ended is None or ended.code == 37


def test_healing_can_be_interrupted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node = tmp_path / "nodes" / "key"
    damaged = finish(runs_in(tmp_path / "damaged").create(SPEC), 3)
    damaged.want("stop", "x")
    Path(damaged.paths.spec).write_bytes(b"garbage")
    Path(damaged.paths.desired).write_bytes(b"")
    with open(damaged.paths.events, "ab") as file:
        file.write(b"garbage\n{torn")

    def lay_out() -> None:
        shutil.rmtree(tmp_path / "nodes", ignore_errors=True)
        shutil.copytree(tmp_path / "damaged" / "nodes", tmp_path / "nodes")

    steps = []
    for step, _said in sweep(MEND, node, lay_out):
        (run,) = runs_in(tmp_path).all()
        run.heal()
        assert run.faults() == (), step
        assert run.spec() == SPEC
        assert (run.condition().exit_code, run.condition().finished) == (3, True), step
        # What was damaged is still there to be looked at.
        folder = Path(run.paths.folder)
        assert b"garbage" in {path.read_bytes() for path in folder.glob("spec.json.damaged-*")}
        assert list(folder.glob("events.jsonl.damaged-*")), step
        steps.append(step)
    report(steps, capsys)


def test_a_run_is_forgotten_whole_in_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = tmp_path / "nodes" / "key"
    run = finish(runs_in(tmp_path / "fresh").create(SPEC))
    attempt = Path(run.paths.attempt(1).folder)
    attempt.mkdir()
    (attempt / "out.log").write_bytes(b"x")
    (attempt / "checkpoint.pt").write_bytes(b"precious")

    def lay_out() -> None:
        shutil.rmtree(tmp_path / "nodes", ignore_errors=True)
        shutil.copytree(tmp_path / "fresh" / "nodes", tmp_path / "nodes")

    steps = []
    for step, said in sweep(FORGET, node, lay_out):
        runs = runs_in(tmp_path)
        found = runs.all()
        assert not (found and said), step
        for run in found:  # not begun
            assert run.faults() == ()
            assert runs.forget(run) != ()
        runs.prune()
        assert os.listdir(runs.folder) == [], step
        kept = node / "kept" / RUN_ID / "attempt-0001" / "checkpoint.pt"
        assert kept.read_bytes() == b"precious", step
        steps.append(step)
    report(steps, capsys)
