"""What is kept, what goes, and what forgetting never touches."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.supervisor_state.runs import finish, runs_in
from workers import contract
from workers.machine.boot import boot_id
from workers.machine.process import start_ticks
from workers.protocol import WorkerSpec
from workers.supervisor import storage
from workers.supervisor.retention import Kept, surplus
from workers.supervisor.run import Run
from workers.supervisor.runs import RunLives, Runs

MIB = 1024 * 1024


def kept(name: str, serial: int, finished: bool = True, size: int = 0) -> Kept:
    return Kept(f"r{serial}", name, finished, 1000.0 + serial, serial, size)


def made(runs: Runs, run_id: str, name: str = "n") -> Run:
    return finish(runs.create(WorkerSpec(run_id, name, ("true",))))


def test_the_newest_of_each_name_stay() -> None:
    found = [kept("a", n) for n in range(5)] + [kept("b", n) for n in range(10, 12)]
    assert surplus(found, per_name=3) == ("r0", "r1")
    assert surplus(found, per_name=2) == ("r0", "r1", "r2")


def test_what_lives_counts_and_stays() -> None:
    found = [kept("a", 1, False, 90), kept("a", 2, True, 20), kept("a", 3, True, 20)]
    assert surplus(found, per_name=1, log_bytes=1000) == ("r2",)
    assert surplus(found, log_bytes=110) == ("r2",)
    assert surplus(found, log_bytes=10) == ("r2", "r3")


def test_the_oldest_logs_go_first_and_no_more_than_needed() -> None:
    found = [kept("a", 3, size=50), kept("b", 1, size=50), kept("c", 2, size=50), kept("d", 0)]
    assert surplus(found, log_bytes=100) == ("r1",)
    assert surplus(found, log_bytes=150) == ()
    assert surplus(found, log_bytes=99) == ("r1", "r2")


def test_room_made_by_one_rule_counts_for_the_other() -> None:
    found = [kept("a", n, size=10) for n in range(10)]
    assert surplus(found, per_name=5, log_bytes=50) == ("r0", "r1", "r2", "r3", "r4")


def test_finished_runs_are_pruned_and_the_others_are_not(runs: Runs) -> None:
    for number in range(6):
        made(runs, f"r{number}")
    live = runs.create(WorkerSpec("live", "n", ("true",)))
    held = made(runs, "held", "other")
    lock = held.take()
    assert lock is not None
    assert runs.prune(per_name=2) == ("r0", "r1", "r2", "r3")
    assert runs.prune(per_name=0) == ("r4", "r5")
    assert runs.all() == [held, live]
    os.close(lock)


def test_a_run_that_somebody_just_wants_again_is_not_pruned(runs: Runs) -> None:
    run = made(runs, "r0")
    run.want("restart", "ada@desk")
    assert runs.prune(per_name=0) == ()
    assert runs.all() == [run]


def test_logs_beyond_the_limit_go_with_their_run(runs: Runs) -> None:
    for number in range(3):
        run = made(runs, f"r{number}", f"n{number}")
        storage.make_folder(run.paths.attempt(1).folder)
        Path(run.paths.attempt(1).log("out")).write_bytes(os.urandom(MIB))
    assert runs.prune(log_bytes=4 * MIB) == ()
    assert runs.prune(log_bytes=2 * MIB + MIB // 2) == ("r0",)
    assert [run.run_id for run in runs.all()] == ["r2", "r1"]


def test_a_hole_takes_no_room(runs: Runs) -> None:
    run = made(runs, "r0")
    storage.make_folder(run.paths.attempt(1).folder)
    with open(run.paths.attempt(1).log("out"), "wb") as log:
        log.truncate(1 << 30)
    assert runs.prune(log_bytes=MIB) == ()


def test_what_a_worker_put_there_is_moved_aside(runs: Runs) -> None:
    run = made(runs, "r0")
    attempt = Path(run.paths.attempt(1).folder)
    attempt.mkdir()
    for name in ("out.log", "err.log", "out.0-99.gz", "index", "status.json", "status.json.7.tmp",
                 "metrics.jsonl", "drain", "pid.json", "exit.rec"):  # fmt: skip
        (attempt / name).write_bytes(b"ours")
    (attempt / "checkpoint.pt").write_bytes(b"theirs")
    (Path(run.paths.folder) / "results").mkdir()
    (Path(run.paths.folder) / "results" / "x.csv").write_bytes(b"theirs")
    paths = [Path(path) for path in runs.forget(run)]
    assert [path.name for path in paths] == ["checkpoint.pt", "results"]
    assert paths[0].read_bytes() == b"theirs"
    assert (paths[1] / "x.csv").read_bytes() == b"theirs"
    assert os.listdir(runs.folder) == []
    assert [path.name for path in paths[0].parent.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize("how", ["main", "leftover"])
def test_a_run_of_which_a_process_lives_is_not_forgotten(runs: Runs, how: str) -> None:
    run = runs.create(WorkerSpec("r0", "n", ("sleep", "600")))
    environment = {contract.TOKEN: run.paths.token} if how == "leftover" else {}
    worker = subprocess.Popen(
        [sys.executable, "-c", "print('up', flush=True); input()"],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert worker.stdout is not None
        worker.stdout.readline()
        if how == "main":
            run.append("intent", attempt=1)
            run.append("started", attempt=1, pid=worker.pid, ticks=start_ticks(worker.pid))
        else:
            finish(run)
        with pytest.raises(RunLives, match=str(worker.pid)):
            runs.forget(run)
        assert runs.prune(per_name=0) == ()
        assert runs.all() == [run]
    finally:
        worker.kill()
        worker.communicate()
    assert runs.forget(run) == ()


def test_a_later_process_with_its_number_is_not_its_own(runs: Runs) -> None:
    run = runs.create(WorkerSpec("r0", "n", ("true",)))
    run.append("intent", attempt=1)
    run.append("started", attempt=1, pid=os.getpid(), ticks=1, boot_id=boot_id())
    assert runs.forget(run) == ()


def test_a_token_of_another_node_is_not_ours(tmp_path: Path) -> None:
    """Several nodes may share one PID space."""
    here, there = runs_in(tmp_path), Runs(str(tmp_path / "nodes" / "other"))
    run = made(here, "r0")
    twin = made(there, "r0")
    worker = subprocess.Popen(
        [sys.executable, "-c", "print('up', flush=True); input()"],
        env={contract.TOKEN: twin.paths.token}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert worker.stdout is not None
        worker.stdout.readline()
        assert here.forget(run) == ()
        with pytest.raises(RunLives):
            there.forget(twin)
    finally:
        worker.kill()
        worker.communicate()


def test_what_was_being_forgotten_or_made_is_finished(runs: Runs) -> None:
    """By the next who looks, after a kill in between."""
    run = made(runs, "r0")
    os.rename(run.paths.folder, os.path.join(runs.folder, ".gone-r0"))
    os.mkdir(os.path.join(runs.folder, ".new-r1"))
    Path(runs.folder, ".new-r1", "spec.json").write_bytes(b"half")
    assert runs.all() == []
    assert runs.prune() == ()
    assert os.listdir(runs.folder) == [".new-r1"]  # somebody may be at it
    runs.create(WorkerSpec("r2", "n", ("true",)))
    assert os.listdir(runs.folder) == ["r2"]
