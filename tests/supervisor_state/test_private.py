"""Nobody else reads or steers a run: whatever the umask, whatever lies in the way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.supervisor_state.runs import SPEC, runs_in
from workers.supervisor import exit_record, pid_record, storage
from workers.supervisor.pid_record import PidRecord
from workers.supervisor.run import Run
from workers.supervisor.runs import Runs


@pytest.fixture(params=[0o000, 0o022, 0o277])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_files_are_0600_and_folders_0700_whatever_the_umask(tmp_path: Path) -> None:
    runs = runs_in(tmp_path / "state")
    storage.make_folder(str(tmp_path / "state"))
    run = runs.create(SPEC)
    paths = run.paths.attempt(1)
    storage.make_folder(paths.folder)
    exit_record.prepare(paths.exit_record)
    pid_record.write(paths.pid, PidRecord(1, 2, 3))
    run.want("stop", "x")
    run.append("intent", attempt=1)
    Path(run.paths.spec).write_bytes(b"garbage")
    run.heal()
    lock = run.take()
    assert lock is not None
    os.close(lock)
    found = {path: path.stat().st_mode & 0o7777 for path in (tmp_path / "state").rglob("*")}
    assert {path.name for path, mode in found.items() if path.is_dir() and mode != 0o700} == set()
    assert {path.name for path, mode in found.items() if path.is_file() and mode != 0o600} == set()
    assert {"spec.json.damaged-1", "exit.rec", "pid.json", "lock"} <= {path.name for path in found}


@pytest.mark.parametrize("name", ["spec.json", "desired.json", "events.jsonl"])
def test_a_link_in_the_place_of_a_file_is_neither_read_nor_written(
    tmp_path: Path, run: Run, name: str
) -> None:
    victim = tmp_path / "victim"
    path = Path(run.paths.folder) / name
    victim.write_bytes(path.read_bytes())
    before = victim.read_bytes()
    path.unlink()
    path.symlink_to(victim)
    found = Run(run.paths)
    assert any(name in fault for fault in found.faults())
    if name == "events.jsonl":
        with pytest.raises(OSError, match=r"events\.jsonl"):
            found.append("intent", attempt=1)
    else:
        found.want("stop", "x")
        found.heal()
        assert not path.is_symlink()
    assert victim.read_bytes() == before


def test_a_link_in_the_place_of_the_lock_is_refused(tmp_path: Path, run: Run) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    victim.chmod(0o644)
    os.unlink(run.paths.lock)
    os.symlink(victim, run.paths.lock)
    with pytest.raises(OSError, match="lock"):
        run.take()
    assert victim.read_bytes() == b"precious"
    assert victim.stat().st_mode & 0o777 == 0o644


def test_a_planted_temporary_name_is_not_written_through(tmp_path: Path, run: Run) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    os.symlink(victim, f"{run.paths.desired}.{os.getpid()}.tmp")
    run.want("stop", "x")
    assert victim.read_bytes() == b"precious"
    assert run.desired().act == "stop"


def test_a_name_planted_in_the_last_instant_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "link").symlink_to(victim)
    (tmp_path / "dangling").symlink_to(tmp_path / "made")
    for name in ("victim", "link", "dangling"):
        with pytest.raises(FileExistsError):
            storage.create(str(tmp_path / name))
    assert victim.read_bytes() == b"precious"
    assert not (tmp_path / "made").exists()


def test_a_link_in_the_place_of_a_run_is_no_run(tmp_path: Path, runs: Runs, run: Run) -> None:
    os.symlink(run.paths.folder, Path(runs.folder) / "abc")
    assert [found.run_id for found in runs.all()] == [run.run_id]
    assert runs.get("abc") is None
    os.rename(run.paths.folder, tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", run.paths.folder)
    assert runs_in(tmp_path).all() == []


def test_forgetting_follows_no_link(tmp_path: Path, runs: Runs, run: Run) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "out.log").write_bytes(b"mine")
    storage.make_folder(run.paths.attempt(1).folder)
    os.symlink(precious, run.paths.attempt(2).folder)
    os.symlink(precious, Path(run.paths.attempt(1).folder) / "index")
    kept = runs.forget(run)
    assert (precious / "out.log").read_bytes() == b"mine"
    assert [Path(path).name for path in kept] == ["attempt-0002"]
    assert not Path(run.paths.folder).exists()


def test_a_pipe_in_the_place_of_a_file_blocks_nobody(run: Run) -> None:
    for path in (run.paths.spec, run.paths.desired):
        os.unlink(path)
        os.mkfifo(path)
    found = Run(run.paths)
    assert found.spec() == SPEC  # from the history
    assert found.faults() == ("spec.json: not a plain file", "desired.json: not a plain file")


def test_no_secret_value_is_in_the_run_directory(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "canary-4f2c")
    run.append("intent", attempt=1)
    content = b"".join(
        path.read_bytes() for path in Path(run.paths.folder).rglob("*") if path.is_file()
    )
    assert b"canary" not in content
    assert b'"reference":"KEY"' in content
