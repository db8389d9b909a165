"""A prune removes what the ledger proves to be elsewhere, and nothing else, whatever happens meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.jobs_backup.stores import run_job, status
from tests.jobs_prune.ledgers import Node
from workers.errands.client import Errand
from workers.errands.shapes import Dataset
from workers.ledger.manifest import Manifest, folder_of
from workers.ledger.standing import is_safe, standing


@pytest.fixture(scope="module")
def node_key() -> str:
    with Errand.open({"ssh": None}, "local") as errand:
        return errand.node_key


@pytest.fixture
def node(tmp_path: Path, node_key: str) -> Node:
    """With a newest file that is nobody's business."""
    found = Node(tmp_path, node_key)
    found.safe("data/z-newest.jsonl", age_h=5.0)
    return found


def test_what_is_aggregated_and_backed_up_goes_and_still_counts(tmp_path: Path, node: Node) -> None:
    old = [node.safe("data/a.jsonl"), node.safe("data/b.jsonl", 5)]
    freed = sum(path.stat().st_size for path in old)
    node.backed_up()
    document = node.orders()
    nowhere = {"name": "other", "paths": ["nowhere/*.jsonl"], "count": "lines", "nodes": ["gpu-1"]}
    document["datasets"].append(nowhere)
    done = run_job(tmp_path / "job", document)
    assert done.returncode == 0, done.stderr
    assert not any(path.exists() for path in old)
    assert (node.root / "data/z-newest.jsonl").exists()
    assert (
        f"{freed} B freed, 2 files removed"
        in status(tmp_path / "job")["extra"]["parts"][0]["message"]
    )
    assert "gpu-1: removed: remove 'data/a.jsonl' (" in done.stdout
    synced, aggregated, backed_up = (
        Manifest(folder_of(str(node.destination), "games"), kind).read().entries
        for kind in ("synced", "aggregated", "backed_up")
    )
    assert sum(entry.records for entry in aggregated) == 11
    with Errand.open({"ssh": None}, "local") as errand:
        listed = errand.list(str(node.root), [Dataset("games", ("data/*.jsonl",), "lines")])
    now = standing(listed.files["games"], synced, aggregated, backed_up, node.node_key, "games")
    assert is_safe([now], ["games"]).safe is True


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        pytest.param("synced", "6 records", marks=pytest.mark.long),
        ("aggregated", "not aggregated"),
        pytest.param("backed up", "not backed up", marks=pytest.mark.long),
        ("later generation", "not backed up"),
    ],
)
def test_what_is_not_proven_is_refused_with_numbers(
    tmp_path: Path, node: Node, missing: str, words: str
) -> None:
    file = node.write("data/a.jsonl", 3)
    os.remove(node.root / "data/z-newest.jsonl")
    node.write("data/b.jsonl", 3, age_h=20.0)
    for path in ("data/a.jsonl", "data/b.jsonl"):
        if missing != "synced":
            entry = node.synced(path)
            if missing in ("backed up", "later generation"):
                node.aggregated(entry, generation=2)
    if missing == "later generation":
        node.backed_up(generation=1)
    for argument in ((), ("--plan",)):
        done = run_job(tmp_path / "job", node.orders(), *argument)
        assert done.returncode == 4, done.stdout
        assert words in done.stdout + done.stderr
        assert "6 records (186 B)" in done.stdout + done.stderr
    assert file.exists()


def test_without_a_backup_only_where_it_is_asked_for(tmp_path: Path, node: Node) -> None:
    file = node.safe("data/a.jsonl")
    assert run_job(tmp_path / "job", node.orders()).returncode == 4
    assert file.exists()
    assert run_job(tmp_path / "job", node.orders(without_backup=True)).returncode == 0
    assert not file.exists()


def test_without_a_backup_the_copy_at_the_destination_is_read_again(
    tmp_path: Path, node: Node
) -> None:
    lost, rotten, whole = (node.safe(f"data/{name}.jsonl") for name in ("lost", "rotten", "whole"))
    node.copy_of("data/lost.jsonl").unlink()
    copy = node.copy_of("data/rotten.jsonl")
    copy.write_bytes(copy.read_bytes().replace(b'"n": 0', b'"n": 7'))
    done = run_job(tmp_path / "job", node.orders(without_backup=True))
    assert done.returncode == 0, done.stderr
    assert [path.exists() for path in (lost, rotten, whole)] == [True, True, False]
    message = status(tmp_path / "job")["extra"]["parts"][0]["message"]
    assert "kept: its copy at the destination is not what was synced any more" in message


def test_what_grew_changed_or_was_replaced_stays(tmp_path: Path, node: Node) -> None:
    node.backed_up()
    gone = node.safe("data/a.jsonl")
    grown, replaced, torn = (
        node.safe(f"data/{name}.jsonl") for name in ("grown", "replaced", "torn")
    )
    with grown.open("a") as file:
        file.write('{"n": 9}\n')
    other = node.root / "other"
    other.write_bytes(replaced.read_bytes().replace(b'"n": 0', b'"n": 7'))
    was = replaced.stat()
    other.replace(replaced)
    os.utime(replaced, ns=(was.st_atime_ns, was.st_mtime_ns))  # even the clock was set back
    with torn.open("a") as file:
        file.write('{"n":')
    done = run_job(tmp_path / "job", node.orders())
    assert done.returncode == 0, done.stderr
    assert [path.exists() for path in (gone, grown, replaced, torn)] == [False, True, True, True]
    message = status(tmp_path / "job")["extra"]["parts"][0]["message"]
    assert "kept: 1 record (14 B) not synced" in message
    assert "1 file changed meanwhile and stayed: data/replaced.jsonl: its bytes" in message


def test_what_somebody_writes_to_stays(tmp_path: Path, node: Node) -> None:
    node.backed_up()
    file = node.safe("data/a.jsonl")
    with file.open("a"):
        done = run_job(tmp_path / "job", node.orders())
    assert done.returncode == 0, done.stderr
    assert file.exists()
    assert "somebody has it open for writing" in done.stdout


def test_keep_hours_are_kept(tmp_path: Path, node: Node) -> None:
    node.backed_up()
    young, old = node.safe("data/young.jsonl", age_h=6.0), node.safe("data/old.jsonl", age_h=30.0)
    done = run_job(tmp_path / "job", node.orders(keep_hours=24))
    assert done.returncode == 0, done.stderr
    assert young.exists()
    assert not old.exists()
    again = run_job(tmp_path / "job", node.orders(keep_hours=24))
    assert again.returncode == 0
    part = status(tmp_path / "job")["extra"]["parts"][0]
    assert part["state"] == "skipped"
    assert part["message"].startswith("nothing to prune; 2 files")


def test_a_destination_that_does_not_answer_is_unknown_and_nothing_goes(
    tmp_path: Path, node: Node
) -> None:
    node.backed_up()
    file = node.safe("data/a.jsonl")
    document = node.orders()
    document["hosts"]["store"] = {"ssh": ["/bin/sh", "-c", "exit 255", "--", "store"]}
    document["destination"]["node"] = "store"
    for argument in ((), ("--plan",)):
        done = run_job(tmp_path / "job", document, *argument)
        assert done.returncode == 3, done.stderr
    assert file.exists()


def test_an_unreadable_ledger_proves_nothing(tmp_path: Path, node: Node) -> None:
    node.backed_up()
    file = node.safe("data/a.jsonl")
    manifest = Path(folder_of(str(node.destination), "games")) / "aggregated.jsonl"
    manifest.unlink()
    manifest.mkdir()
    done = run_job(tmp_path / "job", node.orders())
    assert done.returncode != 0
    assert file.exists()


def test_a_flipped_line_of_the_ledger_proves_nothing(tmp_path: Path, node: Node) -> None:
    node.backed_up()
    file = node.safe("data/a.jsonl")
    manifest = Path(folder_of(str(node.destination), "games")) / "aggregated.jsonl"
    manifest.write_bytes(manifest.read_bytes().replace(b'"path":"data/a', b'"path":"data/A'))
    done = run_job(tmp_path / "job", node.orders())
    assert done.returncode == 4
    assert "warning: games: aggregated: the line at byte" in done.stdout
    assert file.exists()


def test_another_machines_proof_is_none(tmp_path: Path, node: Node, node_key: str) -> None:
    node.backed_up()
    os.remove(node.root / "data/z-newest.jsonl")
    file = node.write("data/a.jsonl", 3)
    node.write("data/b.jsonl", 3, age_h=1.0)
    node.node_key = "somebody-else"
    node.aggregated(node.synced("data/a.jsonl"))
    assert run_job(tmp_path / "job", node.orders()).returncode == 4
    assert file.exists()


def test_the_destinations_own_copies_are_nobodys_to_prune(tmp_path: Path, node: Node) -> None:
    """The destination lies below the root of a node, and its copies match the dataset's pattern."""
    node.backed_up()
    node.destination = node.root / "data"
    copy = node.safe("data/games/gpu-2/data/a.jsonl")
    document = node.orders()
    document["datasets"][0]["paths"] = ["**/*.jsonl"]
    run_job(tmp_path / "job", document)
    assert copy.exists()


def test_the_plan_tells_each_file_and_why(tmp_path: Path, node: Node) -> None:
    node.backed_up()
    file = node.safe("data/a.jsonl")
    node.write("data/new.jsonl", 2, age_h=7.0)
    done = run_job(tmp_path / "job", node.orders(), "--plan")
    assert done.returncode == 0, done.stderr
    assert "gpu-1: remove 3 records (" in done.stdout
    assert "remove 'data/a.jsonl' (" in done.stdout
    assert "in generation 1, backed up" in done.stdout
    assert "REFUSED 'data/new.jsonl' (" in done.stdout
    assert "keep 'data/z-newest.jsonl' (" in done.stdout
    assert file.exists()
