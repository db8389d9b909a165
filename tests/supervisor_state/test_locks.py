"""The lock of a run: one holder, shared by fork, never by exec, gone with its last holder."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.supervisor_state.runs import SPEC, program
from workers.supervisor import storage
from workers.supervisor.run import Run
from workers.supervisor.runs import RunLives, Runs


def test_one_holder(run: Run) -> None:
    lock = run.take()
    assert lock is not None
    assert run.is_held()
    assert run.take(0.05) is None
    os.close(lock)
    assert not run.is_held()


def test_a_worker_that_is_executed_does_not_get_it(run: Run) -> None:
    """Even one that is given every descriptor: else a leftover would hold the run for ever."""
    lock = run.take()
    assert lock is not None
    worker = subprocess.Popen(
        [sys.executable, "-c", "print('up', flush=True); input()"],
        close_fds=False, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"up\n"
        held = [
            os.readlink(f"/proc/{worker.pid}/fd/{fd}")
            for fd in os.listdir(f"/proc/{worker.pid}/fd")
        ]
        assert run.paths.lock not in held
        os.close(lock)
        assert not run.is_held()
    finally:
        worker.kill()
        worker.communicate()


def test_any_other_close_of_the_file_leaves_it_held(run: Run) -> None:
    """A POSIX lock would be gone with it."""
    lock = run.take()
    assert lock is not None
    os.close(os.open(run.paths.lock, os.O_RDWR))
    Path(run.paths.lock).read_bytes()
    assert run.is_held()
    os.close(lock)


def test_it_ends_with_the_last_process_that_has_it(run: Run) -> None:
    code = """
import os, sys
from workers.supervisor import storage
assert storage.try_lock(sys.argv[1]) is not None
if os.fork() == 0:
    sys.stdin.readline()
    os._exit(0)
print("held", flush=True)
"""
    holder = subprocess.Popen(
        program(code, run.paths.lock), cwd=Path(__file__).parent.parent.parent,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.wait(10)
        assert run.is_held()  # the fork has it still
        assert holder.stdin is not None
        holder.stdin.close()
        lock = run.take(10.0)
        assert lock is not None
        os.close(lock)
    finally:
        holder.kill()
        holder.stdout.close() if holder.stdout else None


def test_a_lock_file_that_was_swapped_is_not_taken_for_the_lock(run: Run) -> None:
    lock = run.take()
    assert lock is not None
    os.unlink(run.paths.lock)
    second = run.take()
    assert second is not None  # by its name it is free again
    assert os.fstat(lock).st_ino != os.fstat(second).st_ino
    os.close(lock)
    os.close(second)


def test_a_lock_file_removed_between_open_and_lock_is_not_the_lock(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a run is forgotten in that instant: two would hold it."""
    flock, calls = fcntl.flock, []

    def late(file: int, how: int) -> None:
        if not calls:
            os.unlink(run.paths.lock)
        calls.append(file)
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    lock = run.take()
    assert lock is not None
    assert os.fstat(lock).st_ino == os.stat(run.paths.lock).st_ino
    assert len(calls) == 2
    os.close(lock)


def test_of_twenty_processes_one_takes_it(run: Run) -> None:
    code = """
import sys
from workers.supervisor import storage
sys.stdin.readline()
print(storage.try_lock(sys.argv[1]) is not None, flush=True)
sys.stdin.readline()
"""
    root = Path(__file__).parent.parent.parent
    takers = [
        subprocess.Popen(
            program(code, run.paths.lock), cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(20)
    ]
    try:
        for taker in takers:
            assert taker.stdin is not None
            taker.stdin.write(b"go\n")
            taker.stdin.flush()
        won = [taker.stdout.readline() for taker in takers if taker.stdout is not None]
        assert sorted(won) == [b"False\n"] * 19 + [b"True\n"]
    finally:
        for taker in takers:
            taker.kill()
            taker.communicate()


def test_a_held_run_is_not_forgotten(runs: Runs, run: Run) -> None:
    lock = run.take()
    assert lock is not None
    with pytest.raises(RunLives, match="at work"):
        runs.forget(run)
    os.close(lock)
    assert runs.forget(run) == ()
    assert not Path(run.paths.folder).exists()


def test_a_free_lock_says_so_where_there_is_no_file(tmp_path: Path) -> None:
    assert not storage.is_locked(str(tmp_path / "lock"))
    assert not (tmp_path / "lock").exists()


def test_two_starts_at_one_time_make_one_run(runs: Runs) -> None:
    """Under the start lock, as agents do it."""
    code = """
import os, sys
from workers.protocol import WorkerSpec
from workers.supervisor import storage
from workers.supervisor.runs import RunExists, Runs
runs = Runs(sys.argv[1])
os.makedirs(sys.argv[1], exist_ok=True)
sys.stdin.readline()
lock = storage.wait_lock(runs.start_lock, 20.0)
try:
    runs.create(WorkerSpec(sys.argv[2], "n", ("true",)), str(os.getpid()))
    print("made", flush=True)
except RunExists as exists:
    print("there", flush=True)
"""
    root = Path(__file__).parent.parent.parent
    starters = [
        subprocess.Popen(
            program(code, runs.node_folder, SPEC.run_id), cwd=root,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range(8)
    ]  # fmt: skip
    try:
        for starter in starters:
            assert starter.stdin is not None
            starter.stdin.write(b"go\n")
            starter.stdin.flush()
        said = [starter.stdout.readline() for starter in starters if starter.stdout is not None]
    finally:
        for starter in starters:
            starter.kill()
            starter.communicate()
    assert sorted(said) == [b"made\n"] + [b"there\n"] * 7
    assert len(runs.all()) == 1
