"""The job as it is started: its plan, its exit codes, its status, and nodes that are down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.agents import ROOT
from tests.jobs_aggregate.world import DATASET, World, lines_of, text_of
from workers.errands.client import Errand


class Job:
    """Processes of the job over one destination."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder / "D")
        self.folder = folder
        self.status_path = folder / "status.json"
        self.body: dict[str, Any] = {
            "schema": 1, "job": "merge", "kind": "aggregate", "run": "run-1", "here": "local", "fence": 5,
            "hosts": {"up": {"ssh": None}, "gone": {"ssh": ["false"]}, "shy": {"problem": "asks for a passphrase"}},
            "datasets": [{"name": DATASET, "count": "lines"}], "sources": [],
            "destination": {"node": "local", "path": str(self.world.root)}, "limits": {"space_fraction": 1.0},
        }  # fmt: skip

    def start(self, *words: str, **body: Any) -> subprocess.Popen[str]:
        document = self.folder / "document.json"
        document.write_text(json.dumps({**self.body, **body}))
        return subprocess.Popen(
            [sys.executable, "-m", "workers.jobs", "aggregate", "--document", str(document), *words],
            cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "QD_STATUS": str(self.status_path)},
        )  # fmt: skip

    def run(self, *words: str, **body: Any) -> tuple[int, str]:
        process = self.start(*words, **body)
        out, errors = process.communicate(timeout=60)
        return process.returncode, out + errors

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.status_path.read_text())
        return found

    @property
    def states(self) -> dict[str, str]:
        return {part["name"]: part["state"] for part in self.status["extra"]["parts"]}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_a_node_that_is_down_makes_it_partial(job: Job) -> None:
    job.world.copy("gone", "x.jsonl", text_of(lines_of(1, 2)))
    job.world.copy("up", "x.jsonl", text_of(lines_of(2, 3)))
    code, said = job.run(sources=["up", "gone", "shy"])
    assert code == 1
    assert "partial: 3 new records; gone: gone: the errand did not start" in said
    assert "after its last sync (1970-01-01 00:00:01 UTC) is not here" in said
    assert "shy: asks for a passphrase; nothing of it was ever synced" in said
    assert sorted(job.world.lines()) == sorted(lines_of(1, 2, 3))
    assert job.status["phase"] == "partial"
    assert job.states == {"up": "done", "gone": "partial", "shy": "partial"}
    assert {part["name"]: part["done"] for part in job.status["extra"]["parts"]} == {
        "up": 2, "gone": 2, "shy": None,
    }  # fmt: skip
    code, said = job.run(sources=["up"], run="run-2")
    assert (code, job.states) == (0, {"up": "done"})


def test_what_the_console_saw_counts_where_this_machine_is_let_in_nowhere(job: Job) -> None:
    job.world.copy("up", "x.jsonl", text_of(lines_of(1)))
    hosts = {
        "up": {"ssh": ["false"], "seen": "up"},
        "gone": {"ssh": ["false"], "seen": "down: no route to host"},
    }
    code, said = job.run(sources=["up", "gone"], hosts={**job.body["hosts"], **hosts})
    assert code == 1
    assert "gone: down: no route to host; nothing of it was ever synced" in said
    assert job.states == {"up": "done", "gone": "partial"}
    code, said = job.run(sources=["up"], hosts={**job.body["hosts"], **hosts}, run="run-2")
    assert (code, job.states) == (0, {"up": "done"})


def test_the_plan_changes_nothing(job: Job) -> None:
    job.world.copy("up", "x.jsonl", text_of(lines_of(1)))
    before = sorted(job.world.root.rglob("*"))
    code, said = job.run("--plan", sources=["up", "shy"])
    assert code == 0
    assert "asks for a passphrase: what it made after its last sync will be missing" in said
    assert "up: merges its copies: 1 file" in said
    assert "never: take a record twice" in said
    code, said = job.run("--plan", "--json")
    assert json.loads(said)["records_in_store"] == {DATASET: 0}
    assert sorted(job.world.root.rglob("*")) == before


def test_refusals(job: Job) -> None:
    code, said = job.run()
    assert (code, "nothing was ever synced to it" in said) == (3, True)
    code, said = job.run(destination={"node": "gone", "path": str(job.world.root)})
    assert (code, "start it there" in said) == (4, True)
    job.world.root.mkdir()
    assert job.run()[0] == 0
    code, said = job.run(fence=4)
    assert (code, "a newer job has been there" in said) == (1, True)
    with Errand.open({"ssh": None}, "local") as errand:
        errand.lock(str(job.world.root), 6, "sync (ada@desk)")
        code, said = job.run(fence=7)
    assert (code, "another job is at work there: sync (ada@desk)" in said) == (1, True)


def test_a_stop_keeps_what_is_whole(job: Job) -> None:
    for number in range(40):
        job.world.copy("up", f"{number}.jsonl", text_of(lines_of(*range(number * 50, number * 50 + 50))))  # fmt: skip
    process = job.start(options={"generation_bytes": 1})
    deadline = time.monotonic() + 60
    while not job.world.entries():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    done = len(job.world.entries())
    assert 0 < done < 40
    job.world.check()
    assert job.run()[0] == 0
    assert sorted(job.world.lines()) == sorted(lines_of(*range(2000)))
