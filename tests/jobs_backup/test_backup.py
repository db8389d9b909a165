"""A backup to a real S3 server: everything there, the manifest last, told by the ledger, sent once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs_backup.stores import backed_up, far, make_generation, orders, run_job, status
from tests.object_store import ObjectStore, environment
from workers.jobs.remote.listing import content, objects
from workers.jobs.remote.sending import send

pytestmark = pytest.mark.xdist_group("object-store")


def test_a_generation_goes_out_and_is_recorded(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    folder = make_generation(tmp_path / "D", 1)
    done = run_job(tmp_path / "job", orders("backup", tmp_path / "D", remote))
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


def test_what_is_backed_up_is_not_sent_again(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    make_generation(tmp_path / "D", 1)
    document = orders("backup", tmp_path / "D", remote)
    run_job(tmp_path / "job", document)
    again = run_job(tmp_path / "job", document)
    assert again.returncode == 0, again.stderr
    (part,) = status(tmp_path / "job")["extra"]["parts"]
    assert (part["state"], part["message"]) == ("skipped", "all generations are backed up")
    make_generation(tmp_path / "D", 2)
    make_generation(tmp_path / "D", 5)
    more = run_job(tmp_path / "job", document)
    assert more.returncode == 0, more.stderr
    assert [line.generation for line in backed_up(tmp_path / "D")] == [1, 2, 5]


def test_a_generation_without_a_manifest_is_not_finished(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    folder = make_generation(tmp_path / "D", 1)
    (folder / "manifest-000001.json").unlink()
    done = run_job(tmp_path / "job", orders("backup", tmp_path / "D", remote))
    assert done.returncode == 0, done.stderr
    assert backed_up(tmp_path / "D") == ()
    assert objects(far(remote)) == ()


def test_a_rotten_part_is_not_backed_up(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    part = make_generation(tmp_path / "D", 1) / "part-00000.parquet"
    body = bytearray(part.read_bytes())
    body[7] ^= 1
    part.write_bytes(body)
    done = run_job(tmp_path / "job", orders("backup", tmp_path / "D", remote))
    assert done.returncode == 5
    assert "part-00000.parquet: its bytes are not those of its manifest" in done.stderr
    assert backed_up(tmp_path / "D") == ()
    assert objects(far(remote)) == ()


def test_another_stores_generation_is_never_overwritten(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    make_generation(tmp_path / "theirs", 1, {"part-00000.parquet": 50})
    make_generation(tmp_path / "ours", 1, {"part-00000.parquet": 51})
    run_job(tmp_path / "job", orders("backup", tmp_path / "theirs", remote))
    done = run_job(tmp_path / "job", orders("backup", tmp_path / "ours", remote))
    assert done.returncode == 1
    assert "is the manifest of another store" in done.stderr
    assert backed_up(tmp_path / "ours") == ()
    there = content(far(remote), "games/consolidated/gen-000001/part-00000.parquet")
    assert len(there) == 50


def test_an_object_with_other_bytes_stays_as_it_is(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    """Its generation has no manifest there: somebody else is at work on this prefix."""
    make_generation(tmp_path / "theirs", 1, {"part-00000.parquet": 50})
    folder = make_generation(tmp_path / "ours", 1, {"part-00000.parquet": 51})
    send(far(remote), tmp_path / "theirs/games/consolidated/gen-000001", ["part-00000.parquet"], ("games", "consolidated", folder.name))  # fmt: skip
    done = run_job(tmp_path / "job", orders("backup", tmp_path / "ours", remote))
    assert done.returncode == 1
    assert "other bytes lie there already under the same name" in done.stderr
    assert backed_up(tmp_path / "ours") == ()


def test_the_plan_shows_the_commands_and_sends_nothing(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    make_generation(tmp_path / "D", 1)
    document = orders("backup", tmp_path / "D", remote)
    shown = run_job(tmp_path / "job", document, "--plan")
    assert shown.returncode == 0, shown.stderr
    assert "games: back up gen-000001: 3 files, 3." in shown.stdout
    assert "--immutable" in shown.stdout
    assert "never: delete or overwrite" in shown.stdout
    for secret in environ.values():
        assert "secret" not in secret or secret not in shown.stdout
    assert objects(far(remote)) == ()


def test_a_store_that_began_anew_is_no_continuation(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    make_generation(tmp_path / "D", 1)
    assert run_job(tmp_path / "job", orders("backup", tmp_path / "D", remote)).returncode == 0
    make_generation(tmp_path / "D", 1, {"part-00000.parquet": 10})
    make_generation(tmp_path / "D", 2)
    for words in ((), ("--plan",)):
        done = run_job(tmp_path / "job", orders("backup", tmp_path / "D", remote), *words)
        assert "is not the one that was backed up" in done.stdout + done.stderr
    assert [line.generation for line in backed_up(tmp_path / "D")] == [1]


@pytest.mark.parametrize(
    "way",
    ["a configuration file", pytest.param("variables of rclone's s3", marks=pytest.mark.long)],
)
def test_credentials_come_by(
    way: str, tmp_path: Path, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generation(tmp_path / "D", 1)
    found = environment(object_store.keeper, object_store.endpoint, "S3")
    options: dict[str, str] = {}
    remote = f":s3:bucket/{tmp_path.name}"
    if way == "a configuration file":
        remote = f"mine:bucket/{tmp_path.name}"
        lines = [f"{name.removeprefix('RCLONE_CONFIG_S3_').lower()} = {value}" for name, value in found.items()]  # fmt: skip
        (tmp_path / "rclone.conf").write_text("\n".join(["[mine]", *lines]))
        options["rclone_config"] = str(tmp_path / "rclone.conf")
    else:
        for name, value in found.items():
            monkeypatch.setenv(name.replace("_CONFIG", ""), value)
    done = run_job(tmp_path / "job", orders("backup", tmp_path / "D", remote, options=options))
    assert done.returncode == 0, done.stderr
    assert len(backed_up(tmp_path / "D")) == 1
    assert object_store.keeper[1] not in done.stdout + done.stderr
    assert object_store.keeper[1] not in (tmp_path / "job/status.json").read_text()
