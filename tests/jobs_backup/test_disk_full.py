"""A full disk: no manifest, nothing half, exit code 6; the next run finishes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.jobs_backup.stores import backed_up, make_generation, orders, run_job
from tests.supervisor_state.disks import tmpfs

pytestmark = [
    pytest.mark.xdist_group("object-store"),
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
SIZES = {f"part-{number:05d}.parquet": 500_000 for number in range(4)}


def free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def test_a_disk_that_fills_while_it_is_restored_to(
    tmp_path: Path, environ: dict[str, str], remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.jobs.restore.fetching._check_room", lambda *_: None)
    make_generation(tmp_path / "D", 1, SIZES)
    assert run_job(tmp_path / "job", orders("backup", tmp_path / "D", remote)).returncode == 0
    with tmpfs(tmp_path / "disk", "size=4m") as disk:
        options = {"to": str(disk / "back"), "what": ["consolidated"]}
        document = orders("restore", tmp_path, remote, options=options)
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * 3_000_000)
        done = run_job(tmp_path / "restoring", document)
        assert done.returncode == 6, done.stderr
        store = disk / "back/games/consolidated/gen-000001"
        assert not (store / "manifest-000001.json").exists()
        ballast.unlink()
        done = run_job(tmp_path / "restoring", document)
        assert done.returncode == 0, done.stderr
        assert {path.name for path in store.iterdir()} == {*SIZES, "manifest-000001.json"}


@pytest.mark.long
def test_a_backup_whose_line_cannot_be_written_is_recorded_by_the_next(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    with tmpfs(tmp_path / "disk", "size=1m") as disk:
        make_generation(disk / "D", 1)
        (disk / "D/games/.quarterdeck").mkdir()
        (disk / "D/games/.quarterdeck/backup.lock").touch()
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * free_bytes(disk))
        done = run_job(tmp_path / "job", orders("backup", disk / "D", remote))
        assert done.returncode == 6, done.stderr
        assert backed_up(disk / "D") == ()
        ballast.unlink()
        done = run_job(tmp_path / "job", orders("backup", disk / "D", remote))
        assert done.returncode == 0, done.stderr
        assert len(backed_up(disk / "D")) == 1
