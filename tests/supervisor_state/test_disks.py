"""Disks that are full, out of inodes, read-only, failing, or without power at the wrong instant."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.supervisor_state.disks import ext4, fill, power_cut, tmpfs
from tests.supervisor_state.runs import RUN_ID, SPEC, finish, python, runs_in, seen_afresh
from workers.protocol import WorkerSpec
from workers.supervisor import exit_record, pid_record, storage
from workers.supervisor.exit_record import ExitRecord
from workers.supervisor.pid_record import PidRecord
from workers.supervisor.run import Run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with tmpfs(tmp_path / "small", "size=1m") as folder:
        yield folder


def begun(run: Run) -> Run:
    storage.make_folder(run.paths.attempt(1).folder)
    exit_record.prepare(run.paths.attempt(1).exit_record)
    run.append("intent", attempt=1)
    pid_record.write(run.paths.attempt(1).pid, PidRecord(1, 4242, 777))
    run.append("started", attempt=1, pid=4242, ticks=777)
    return run


def test_an_end_is_recorded_on_a_full_disk(small: Path) -> None:
    run = begun(runs_in(small).create(SPEC))
    fill(small)
    path = run.paths.attempt(1).exit_record
    assert exit_record.write(path, ExitRecord(1, signal=9, oom=True)) is None
    found = exit_record.read(path)
    assert found is not None
    assert (found.signal, found.oom) == (9, True)


def test_the_reserve_lets_a_full_disk_tell_the_end_and_hear_a_stop(small: Path) -> None:
    run = begun(runs_in(small).create(SPEC))
    # Down to the last byte of the page that the history lies in.
    run.append("warning", text="x" * (4096 - os.stat(run.paths.events).st_size % 4096))
    fill(small)
    stop = run.want("stop", "ada@desk")
    run.append("desired", sequence=stop.sequence, want=stop.want, act=stop.act)
    run.append("exited", attempt=1, signal=15)
    run.append("finished")
    again = seen_afresh(run)
    assert again.faults() == ()
    assert (again.condition().state, again.condition().signal) == ("stopped", 15)
    assert not Path(run.paths.reserve).exists()
    os.unlink(small / "ballast")
    run.heal()
    assert os.stat(run.paths.reserve).st_blocks * 512 >= 64 * 1024  # for the next time


def test_a_full_disk_refuses_with_the_path_and_changes_nothing(small: Path) -> None:
    run = begun(runs_in(small).create(SPEC))
    run.append("warning", text="x" * (4096 - os.stat(run.paths.events).st_size % 4096))
    os.unlink(run.paths.reserve)
    fill(small)
    events = Path(run.paths.events).read_bytes()
    with pytest.raises(OSError, match=r"events\.jsonl") as caught:
        run.append("warning", text="x" * 5000)
    assert caught.value.errno == errno.ENOSPC
    assert Path(run.paths.events).read_bytes() == events
    with pytest.raises(OSError, match=r"desired\.json"):
        run.want("stop", "x")
    assert seen_afresh(run).desired().sequence == 1
    assert sorted(os.listdir(run.paths.folder)) == [
        "attempt-0001", "desired.json", "desired.lock", "events.jsonl", "lock", "spec.json",
    ]  # fmt: skip
    os.unlink(small / "ballast")
    run.append("exited", attempt=1, code=0)
    assert seen_afresh(run).condition().state == "exited"


def test_a_start_on_a_full_disk_is_refused_and_leaves_nothing(small: Path) -> None:
    runs = runs_in(small)
    runs.create(SPEC)
    fill(small)
    with pytest.raises(OSError) as caught:
        runs.create(WorkerSpec("second", "n", ("true",)))
    assert caught.value.errno == errno.ENOSPC
    assert str(small) in str(caught.value.filename)
    assert os.listdir(runs.folder) == [RUN_ID]


def test_without_inodes_a_start_is_refused_and_a_run_goes_on(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "nr_inodes=17") as small:
        runs = runs_in(small)
        run = begun(runs.create(SPEC))
        with pytest.raises(OSError) as caught:
            runs.create(WorkerSpec("second", "n", ("true",)))
        assert caught.value.errno == errno.ENOSPC
        assert os.listdir(runs.folder) == [RUN_ID]
        for number in range(20):
            try:
                (small / f"file{number}").touch()
            except OSError:
                break
        assert run.want("stop", "x").sequence == 2  # with the inode of the reserve
        lock = run.take()
        assert lock is not None
        os.close(lock)
        exit_record.write(run.paths.attempt(1).exit_record, ExitRecord(1, code=0))
        run.append("exited", attempt=1, code=0)
        assert seen_afresh(run).condition().state == "exited"


def test_a_read_only_disk_says_so_and_stays_readable(small: Path) -> None:
    run = begun(runs_in(small).create(SPEC))
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    for write in (
        lambda: run.append("exited", attempt=1, code=0),
        lambda: run.want("stop", "x"),
        lambda: exit_record.write(run.paths.attempt(1).exit_record, ExitRecord(1, code=0)),
        lambda: runs_in(small).forget(run),
        lambda: runs_in(small).create(WorkerSpec("second", "n", ("true",))),
    ):
        with pytest.raises(OSError, match="Read-only") as caught:
            write()
        assert str(small) in str(caught.value.filename)
    assert run.condition().state == "running"
    assert seen_afresh(run).faults() == ()
    assert exit_record.read(run.paths.attempt(1).exit_record) is None
    subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)
    run.append("exited", attempt=1, code=0)
    assert seen_afresh(run).condition().exit_code == 0


FAILING = """
import os, sys
from workers.protocol import WorkerSpec
from workers.supervisor import exit_record, storage
from workers.supervisor.exit_record import ExitRecord
from workers.supervisor.paths import RunPaths
from workers.supervisor.run import Run
run = Run(RunPaths(sys.argv[1]))
run.condition()
what = sys.argv[2]
path = {"exit": run.paths.attempt(1).exit_record, "wish": run.paths.desired,
        "event": run.paths.events}[what]
before = os.stat(path).st_ino
try:
    if what == "exit":
        told = exit_record.write(path, ExitRecord(1, code=37))
    elif what == "wish":
        told = run.want("stop", "x")
    else:
        told = run.append("exited", attempt=1, code=37)
except OSError as error:
    print("refused", error.errno, error.filename)
else:
    print("same" if os.stat(path).st_ino == before else "new", told)
"""


@pytest.mark.parametrize("what", ["exit", "event", "wish"])
def test_a_failed_fsync_is_never_asked_again_of_the_same_file(run: Run, what: str) -> None:
    """The kernel forgets what it could not write and would say yes: everything is written anew."""
    begun(run)
    done = failing(run, what, "fsync:error=EIO:when=1")
    assert done.startswith("new"), done
    again = seen_afresh(run)
    assert again.faults() == ()
    if what == "exit":
        found = exit_record.read(run.paths.attempt(1).exit_record)
        assert found is not None
        assert found.code == 37
        assert "Input/output error" in done  # the caller is told
    elif what == "wish":
        assert again.desired().want == "stopped"
    else:
        assert again.condition().exit_code == 37
        assert [event["kind"] for event in again.events()][-2:] == ["exited", "warning"]
        assert "written anew" in again.condition().warnings[-1]


@pytest.mark.parametrize("what", ["exit", "event", "wish"])
def test_a_disk_that_always_fails_is_reported_with_the_path(run: Run, what: str) -> None:
    begun(run)
    done = failing(run, what, "fsync:error=EIO")
    assert done.startswith(f"refused {errno.EIO} {run.paths.folder}"), done
    assert seen_afresh(run).condition().state == "running"
    assert [name for name in os.listdir(run.paths.folder) if name.endswith(".tmp")] == []


def failing(run: Run, what: str, inject: str) -> str:
    """What the program says whose system calls fail so."""
    done = python(
        FAILING, run.paths.folder, what,
        prefix=["strace", "-f", "-o", "/dev/null", "-e", "trace=fsync", "-e", f"inject={inject}"],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with ext4(tmp_path / "disk") as folder:
        yield folder


def test_what_was_told_done_survives_a_power_cut(disk: Path) -> None:
    runs = runs_in(disk)
    run = begun(runs.create(SPEC))
    run.want("stop", "ada@desk")
    exit_record.write(run.paths.attempt(1).exit_record, ExitRecord(1, signal=15))
    run.append("exited", attempt=1, signal=15)
    power_cut(disk)
    (found,) = runs_in(disk).all()
    assert found.faults() == ()
    assert found.spec() == SPEC
    assert (found.desired().want, found.condition().state) == ("stopped", "exited")
    written = exit_record.read(found.paths.attempt(1).exit_record)
    assert written is not None
    assert written.signal == 15
    process = pid_record.read(found.paths.attempt(1).pid)
    assert process is not None
    assert process.pid == 4242


def test_a_start_that_was_told_survives_a_power_cut(disk: Path) -> None:
    runs_in(disk).create(SPEC, "ada@desk")
    power_cut(disk)
    (found,) = runs_in(disk).all()
    assert (found.faults(), found.spec(), found.desired().by) == ((), SPEC, "ada@desk")


def test_the_test_can_tell_a_write_that_does_not_survive(disk: Path) -> None:
    """Renamed over the old one without fsync, as one might be tempted to do it."""
    path = disk / "file"
    storage.write_atomic(str(path), b"old")
    (disk / "temporary").write_bytes(b"new")
    os.rename(disk / "temporary", path)
    power_cut(disk)
    assert path.read_bytes() != b"new"


def test_a_forgotten_run_does_not_come_back_half(disk: Path) -> None:
    runs = runs_in(disk)
    run = finish(runs.create(SPEC))
    runs.forget(run)
    power_cut(disk)
    again = runs_in(disk)
    assert again.all() == []
    again.prune()
    assert os.listdir(again.folder) == []
