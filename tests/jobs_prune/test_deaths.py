"""A prune that is killed at any moment leaves each file whole or gone, and the next one goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from tests.jobs_backup.stores import command, job_environment, run_job
from tests.jobs_prune.ledgers import Node
from workers.errands.client import Errand

FILES = 400
KILLS = 6


@pytest.mark.long
def test_killed_again_and_again(tmp_path: Path) -> None:
    with Errand.open({"ssh": None}, "local") as errand:
        node = Node(tmp_path, errand.node_key)
    node.backed_up()
    paths = [f"data/{number:03d}.jsonl" for number in range(FILES)]
    for path in paths:
        node.safe(path, 30)
    node.safe("data/newest.jsonl", age_h=1.0)
    whole = (node.root / paths[0]).stat().st_size
    chance = random.Random(5)
    environ = {
        "XDG_STATE_HOME": os.environ.get("XDG_STATE_HOME", str(Path.home() / ".local/state"))
    }
    for _ in range(KILLS):
        process = subprocess.Popen(
            command(tmp_path / "job", node.orders()),
            env=job_environment(tmp_path / "job", environ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(chance.uniform(0.4, 1.6))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        left = [node.root / path for path in paths if (node.root / path).exists()]
        assert {path.stat().st_size for path in left} <= {whole}
        if len(left) < FILES:
            break
    done = run_job(tmp_path / "job", node.orders())
    assert done.returncode == 0, done.stderr
    assert not [path for path in paths if (node.root / path).exists()]
    assert (node.root / "data/newest.jsonl").exists()
