"""A restore brings back what was backed up, byte for byte, and never replaces a file that differs."""

from __future__ import annotations

import filecmp
import json
import os
from pathlib import Path
from unittest import mock

import pytest

from tests.jobs_backup.stores import make_generation, orders, run_job, status
from tests.object_store import ObjectStore, environment

pytestmark = pytest.mark.xdist_group("object-store")


REMOTE = "store:bucket/restored"


@pytest.fixture(scope="module")
def kept(object_store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three generations, backed up to REMOTE; the folder they came from."""
    folder = tmp_path_factory.mktemp("kept")
    for number in (1, 2, 3):
        make_generation(folder / "D", number)
    with mock.patch.dict(os.environ, environment(object_store.keeper, object_store.endpoint)):
        done = run_job(folder / "job", orders("backup", folder / "D", REMOTE))
    assert done.returncode == 0, done.stderr
    return folder / "D/games/consolidated"


def restore(folder: Path, remote: str, *words: str, **options: object) -> tuple[int, str]:
    document = orders("restore", folder, remote, options={"to": str(folder / "back"), **options})
    done = run_job(folder / "restoring", document, *words)
    return done.returncode, done.stdout + done.stderr


def same(one: Path, other: Path) -> bool:
    """The same files with the same bytes."""
    names = sorted(str(path.relative_to(one)) for path in one.rglob("*") if path.is_file())
    others = sorted(str(path.relative_to(other)) for path in other.rglob("*") if path.is_file())
    return names == others and not filecmp.cmpfiles(one, other, names, shallow=False)[1]


def test_all_generations_come_back(tmp_path: Path, environ: dict[str, str], kept: Path) -> None:
    code, said = restore(tmp_path, REMOTE)
    assert code == 0, said
    assert same(kept, tmp_path / "back/games/consolidated")
    code, said = restore(tmp_path, REMOTE)
    assert code == 0, said
    (part,) = status(tmp_path / "restoring")["extra"]["parts"]
    assert part["message"] == "1 to 3: 0 B fetched, all verified"


@pytest.mark.long
def test_up_to_a_generation(tmp_path: Path, environ: dict[str, str], kept: Path) -> None:
    code, said = restore(tmp_path, REMOTE, generation=2)
    assert code == 0, said
    found = sorted(path.name for path in (tmp_path / "back/games/consolidated").iterdir())
    assert found == ["gen-000001", "gen-000002"]


def test_a_file_that_differs_is_not_replaced(
    tmp_path: Path, environ: dict[str, str], kept: Path
) -> None:
    mine = tmp_path / "back/games/consolidated/gen-000002/part-00000.parquet"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    code, said = restore(tmp_path, REMOTE)
    assert code == 1
    assert f"{mine}: is there with other bytes" in said
    assert mine.read_bytes() == b"mine"
    assert not (mine.parent / "manifest-000002.json").exists()


def test_a_link_does_not_lead_it_elsewhere(
    tmp_path: Path, environ: dict[str, str], kept: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    store = tmp_path / "back/games/consolidated/gen-000001"
    store.mkdir(parents=True)
    (store / "rejected").symlink_to(elsewhere)
    code, said = restore(tmp_path, REMOTE)
    assert code == 1
    assert "is a link where a folder is wanted" in said
    assert list(elsewhere.iterdir()) == []


def test_the_plan_names_what_would_come(
    tmp_path: Path, environ: dict[str, str], kept: Path
) -> None:
    code, said = restore(tmp_path, REMOTE, "--plan", "--json")
    assert code == 0, said
    found = json.loads(said)
    assert found["files"] == 9
    assert found["hosts"][0]["does"] == "restore gen-000001 to gen-000003"
    assert not (tmp_path / "back").exists()


def test_a_remote_without_a_backup_is_said(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    code, said = restore(tmp_path, remote)
    assert code == 1
    assert "has no finished generation of games" in said


@pytest.mark.long
def test_a_disk_that_would_be_too_full_is_left_alone(
    tmp_path: Path, environ: dict[str, str], kept: Path
) -> None:
    options = {"to": str(tmp_path / "back"), "what": ["consolidated"]}
    document = orders("restore", tmp_path, REMOTE, options=options, limits={"space_fraction": 0.0})
    done = run_job(tmp_path / "restoring", document)
    assert done.returncode == 6
    assert "nothing was fetched" in done.stderr
    assert not list((tmp_path / "back").rglob("*.parquet"))
