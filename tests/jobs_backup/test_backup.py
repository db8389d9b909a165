"""A backup to a real S3 server: everything there, the manifest last, told by the ledger, sent once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs_backup.stores import backed_up, make_generation, orders, run_job, status
from tests.object_store import ObjectStore, environment
from workers.jobs.remote.address import parse
from workers.jobs.remote.calling import Caller
from workers.jobs.remote.listing import content, objects
from workers.jobs.remote.tool import find_rclone

pytestmark = pytest.mark.xdist_group("object-store")


@pytest.fixture
def environ(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    found = environment(object_store.keeper, object_store.endpoint)
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def remote(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A prefix of the test's own."""
    return f"store:bucket/{tmp_path.name}"


def far(remote: str) -> Caller:
    return Caller(find_rclone(), parse(remote), None, 0, 4, lambda: None)


def test_a_generation_goes_out_and_is_recorded(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    folder = make_generation(tmp_path / "D", 1)
    done = run_job(tmp_path / "job", orders("backup", tmp_path / "D", remote), environ)
    assert done.returncode == 0, done.stderr
    there = {each.path for each in objects(far(remote))}
    assert there == {
        "games/consolidated/gen-000001/part-00000.parquet",
        "games/consolidated/gen-000001/rejected/part-00000.jsonl",
        "games/consolidated/gen-000001/manifest-000001.json",
    }
    part = (folder / "part-00000.parquet").read_bytes()
    assert content(far(remote), "games/consolidated/gen-000001/part-00000.parquet") == part
    (line,) = backed_up(tmp_path / "D")
    assert (line.generation, line.remote, line.files) == (1, remote, 3)
    assert status(tmp_path / "job")["extra"]["parts"][0]["state"] == "done"
