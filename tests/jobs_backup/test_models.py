"""Models: checkpoints once, pointers last, and back again as the last backup that ended has them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.faulty_store import Fault, FaultyStore
from tests.jobs_backup.stores import Ended, far, orders, run_job, status
from tests.object_store import ObjectStore
from workers.jobs.remote.listing import content, objects
from workers.jobs.remote.models import newest

pytestmark = pytest.mark.xdist_group("object-store")
KEY = "square8_2p"


def checkpoint(root: Path, step: int) -> str:
    name = f"{step:09d}-0a1b2c3d"
    folder = root / "data/models" / KEY / "checkpoints" / name
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights %d " % step * 400)
    (folder / "state.json").write_text(f'{{"step": {step}}}')
    point(root, "latest", name)
    return name


def point(root: Path, pointer: str, name: str) -> None:
    (root / "data/models" / KEY / pointer).write_text(name + "\n")
    with (root / "data/models" / KEY / f"{pointer}.log").open("a") as log:
        log.write(name + "\n")


def document(root: Path, remote: str) -> dict[str, Any]:
    return orders("backup", root, remote, options={"what": ["models"], "models": ["data/models"]})


def restored(tmp_path: Path, remote: str) -> Ended:
    options = {"to": str(tmp_path / "back"), "what": ["models"]}
    return run_job(tmp_path / "restoring", orders("restore", tmp_path, remote, options=options))


def part(folder: Path) -> dict[str, Any]:
    (found,) = status(folder)["extra"]["parts"]
    return dict(found)


def test_models_go_out_and_come_back(tmp_path: Path, environ: dict[str, str], remote: str) -> None:
    root = tmp_path / "root"
    first = checkpoint(root, 100)
    point(root, "best", first)
    (root / "data/models" / KEY / ".pointers.lock").touch()
    (root / "data/models" / KEY / "checkpoints/.tmp-half").mkdir()
    (root / "data/models" / KEY / "checkpoints/.tmp-half/model.safetensors").write_bytes(b"half")
    done = run_job(tmp_path / "job", document(root, remote))
    assert done.returncode == 0, done.stderr
    again = run_job(tmp_path / "job", document(root, remote))
    assert again.returncode == 0, again.stderr
    assert part(tmp_path / "job")["message"] == "nothing is new"
    checkpoint(root, 200)
    done = run_job(tmp_path / "job", document(root, remote))
    assert part(tmp_path / "job")["total"] == 4, (
        done.stdout
    )  # two files, the pointer and its history
    done = restored(tmp_path, remote)
    assert done.returncode == 0, done.stderr
    back, was = tmp_path / "back/models/models", root / "data/models"
    names = {str(path.relative_to(was)) for path in was.rglob("*") if path.is_file() and "/." not in str(path.relative_to(tmp_path))}  # fmt: skip
    assert {str(path.relative_to(back)) for path in back.rglob("*") if path.is_file()} == names
    assert all((back / name).read_bytes() == (was / name).read_bytes() for name in names)


@pytest.mark.long
def test_what_went_here_stays_there(tmp_path: Path, environ: dict[str, str], remote: str) -> None:
    root = tmp_path / "root"
    first = checkpoint(root, 100)
    run_job(tmp_path / "job", document(root, remote))
    checkpoint(root, 200)
    gone = root / "data/models" / KEY / "checkpoints" / first
    for path in list(gone.iterdir()):
        path.unlink()
    gone.rmdir()
    assert run_job(tmp_path / "job", document(root, remote)).returncode == 0
    assert [each for each in objects(far(remote)) if first in each.path]


def test_a_pointer_to_nothing_is_not_backed_up(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    root = tmp_path / "root"
    checkpoint(root, 100)
    point(root, "latest", "000000900-0a1b2c3d")
    done = run_job(tmp_path / "job", document(root, remote))
    assert done.returncode == 1
    assert "which is no checkpoint there now" in done.stderr
    assert newest(far(remote), "models") is None


def test_checkpoints_first_then_pointers_then_the_manifest(
    tmp_path: Path,
    object_store: ObjectStore,
    environ: dict[str, str],
    remote: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checkpoint(tmp_path / "root", 100)
    with FaultyStore("127.0.0.1", object_store.port) as store:
        monkeypatch.setenv("RCLONE_CONFIG_STORE_ENDPOINT", store.endpoint)
        done = run_job(tmp_path / "job", document(tmp_path / "root", remote))
    assert done.returncode == 0, done.stderr
    sent = [
        os.path.basename(each.path.partition("?")[0]) for each in store.seen if each.method == "PUT"
    ]
    assert sorted(sent[:2]) == ["model.safetensors", "state.json"]
    assert sent[2:4] == ["latest.log", "latest"]
    assert sent[4].endswith(".json")
    assert len(sent) == 5


@pytest.mark.long
def test_a_later_backup_that_did_not_end_changes_nothing_of_the_last(
    tmp_path: Path,
    object_store: ObjectStore,
    environ: dict[str, str],
    remote: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its pointer is there already, its manifest is not: the last one still tells what it told."""
    root = tmp_path / "root"
    first = checkpoint(root, 100)
    run_job(tmp_path / "job", document(root, remote))
    checkpoint(root, 200)
    with FaultyStore("127.0.0.1", object_store.port) as store, monkeypatch.context() as changed:
        changed.setenv("RCLONE_CONFIG_STORE_ENDPOINT", store.endpoint)
        store.choose = lambda request: Fault(400, "ExpiredToken") if request.method == "PUT" and "/.manifests/" in request.path else None  # fmt: skip
        assert run_job(tmp_path / "job", document(root, remote)).returncode == 4
    assert content(far(remote), "models", "models", KEY, "latest").startswith(b"000000200")
    assert restored(tmp_path, remote).returncode == 0
    assert (tmp_path / "back/models/models" / KEY / "latest").read_text() == f"{first}\n"


@pytest.mark.long
def test_restored_models_never_replace_other_ones(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    checkpoint(tmp_path / "root", 100)
    run_job(tmp_path / "job", document(tmp_path / "root", remote))
    mine = tmp_path / "back/models/models" / KEY / "latest"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    done = restored(tmp_path, remote)
    assert done.returncode == 1
    assert "is there with other bytes" in done.stderr
    assert mine.read_text() == "mine"
