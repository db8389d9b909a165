"""What a node made is synced, merged, backed up and pruned; every record is accounted for at each step."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.jobs_aggregate.world import World
from tests.jobs_backup.stores import orders, run_job
from tests.jobs_prune.ledgers import Node
from tests.object_store import ObjectStore, environment
from workers.errands.client import Errand

pytest.importorskip("duckdb")
pytestmark = pytest.mark.xdist_group("object-store")
PATHS = ("data/a.jsonl", "data/b.jsonl", "data/z.jsonl")


@pytest.mark.long
def test_from_a_node_to_the_store_and_off_its_disk(
    tmp_path: Path, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for item in environment(object_store.keeper, object_store.endpoint).items():
        monkeypatch.setenv(*item)
    with Errand.open({"ssh": None}, "local") as errand:
        node = Node(tmp_path, errand.node_key)
    for number, path in enumerate(PATHS):
        node.write(path, 4, age_h=20.0 - number)
        node.synced(path)
    job, remote = tmp_path / "job", f"store:bucket/{tmp_path.name}"
    backup = orders("backup", node.destination, remote)
    prune = node.orders()
    assert run_job(job, prune).returncode == 4  # not aggregated
    merged = run_job(job, orders("aggregate", node.destination, remote, options={}))
    assert merged.returncode == 0, merged.stderr
    refused = run_job(job, prune)
    assert refused.returncode == 4
    assert "12 records (" in refused.stderr
    assert "not backed up" in refused.stderr
    assert run_job(job, backup).returncode == 0
    done = run_job(job, prune)
    assert done.returncode == 0, done.stderr
    assert [(node.root / path).exists() for path in PATHS] == [False, False, True]
    world = World(node.destination)
    assert len(world.rows()) == 12
    assert sum(entry.records for entry in world.entries()) == 12
    shutil.rmtree(world.store)
    back = orders("restore", node.destination, remote, options={"to": str(node.destination)})
    assert run_job(job, back).returncode == 0
    assert len(World(node.destination).rows()) == 12
    assert run_job(job, orders("aggregate", node.destination, remote, options={})).returncode == 0
    assert len(World(node.destination).rows()) == 12
    assert os.listdir(node.destination / "games/consolidated") == ["gen-000001"]
