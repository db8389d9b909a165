"""`quarterdeck jobs` and `mode` from outside: real jobs on this machine, exit codes and shapes for scripts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.cli.main import run
from tests.cli.program import Outcome, Program
from tests.running import sweep

SETTINGS = """
nodes:
  - {name: local, root: ~/run}
  - {name: far, address: 127.0.0.1, port: 9}
datasets:
  - {name: games, paths: ["data/*.jsonl"], nodes: local}
jobs:
  - {name: own, kind: sync, sources: local, datasets: [games], schedule: "0 4 * * *"}
  - {name: off, kind: sync, sources: far, datasets: [games], destination: local}
"""
RUN = {
    "name", "kind", "section", "state", "node", "run_id", "by", "exit_code", "started_at", "ended_at",
    "message", "bytes", "bytes_total", "rate_bytes_s", "eta_s", "share", "parts",
}  # fmt: skip
PLAN = {
    "schema", "job", "kind", "node", "command", "does", "sources", "destination", "hosts", "files",
    "bytes", "never", "warnings", "refusals", "numbers",
}  # fmt: skip


@pytest.fixture(autouse=True)
def swept(quarterdeck: Program) -> Iterator[None]:
    """Nothing that was started outlives the test."""
    yield
    sweep(quarterdeck.home)


@pytest.fixture
def quarterdeck(
    quarterdeck: Program, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Program:
    """The program in this very process: it starts often here."""
    for name in list(os.environ):
        if name.startswith(("XDG_", "QUARTERDECK_", "SSH_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(quarterdeck.home))

    class Here(Program):
        def __call__(self, *argv: str, **environ: str) -> Outcome:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in environ.items():
                    patch.setenv(name, value)
                code = run(argv)
            said = capfd.readouterr()
            return Outcome(code, said.out, said.err)

    return Here(quarterdeck.home)


@pytest.fixture
def data(quarterdeck: Program) -> Path:
    """A file of three records, which nobody writes to any more."""
    quarterdeck.settings(SETTINGS)
    file = quarterdeck.home / "run" / "data" / "a.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text('{"n": 1}\n{"n": 2}\n{"n": 3}\n')
    os.utime(file, (1_790_000_000, 1_790_000_000))
    return file


def test_a_sync_from_its_plan_to_its_history(quarterdeck: Program, data: Path) -> None:
    planned = quarterdeck("jobs", "run", "own", "--dry-run", "--json")
    assert planned.code == 0, planned.err
    assert set(planned.json) == PLAN
    assert (planned.json["files"], planned.json["bytes"]) == (1, 27)
    assert any(argv[0].endswith("rsync") for argv in planned.json["hosts"][0]["commands"])
    arrived = quarterdeck.home / ".local/share/quarterdeck/data/games/local/data/a.jsonl"
    assert not arrived.exists()
    listed = quarterdeck("jobs", "list", "--json").json
    assert [job["name"] for job in listed["jobs"]] == ["own", "off", "sync", "aggregate"]
    assert listed["runs"] == []

    done = quarterdeck("jobs", "run", "own", "--wait", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out.splitlines()[-1])
    assert (set(found) - {"schema"}, found["schema"]) == (RUN, 1)
    assert (found["state"], found["exit_code"]) == ("done", 0)
    assert [(part["name"], part["state"]) for part in found["parts"]] == [("local", "done")]
    assert arrived.read_text() == data.read_text()

    (run,) = quarterdeck("jobs", "list", "--json").json["runs"]
    assert run["run_id"] == found["run_id"]
    shown = quarterdeck("jobs", "show", "own")
    assert (shown.code, "own (sync) on local: done" in shown.out) == (0, True)
    again = quarterdeck("jobs", "retry", "own")
    assert (again.code, "nothing is left" in again.err) == (2, True)


def test_a_node_that_is_down_is_3_and_named(quarterdeck: Program, data: Path) -> None:
    done = quarterdeck("jobs", "run", "off", "--dry-run")
    assert (done.code, "far: nothing: " in done.out) == (3, True), done.err


def test_what_is_refused_is_4(quarterdeck: Program, data: Path) -> None:
    for argv in (["run", "own"], ["cancel", "own"], ["schedule"]):
        refused = quarterdeck("--read-only", "jobs", *argv)
        assert (refused.code, "read-only" in refused.err) == (4, True), argv
    none = quarterdeck("jobs", "run", "own", "--nodes", "far")
    assert (none.code, "not a source of job own" in none.err) == (2, True)
    quarterdeck.settings(SETTINGS + "sync_disabled: true\n")
    off = quarterdeck("jobs", "run", "own")
    assert (off.code, "sync_disabled" in off.out + off.err) == (4, True)
    assert "sync_disabled" in quarterdeck("jobs", "list").out
    listed = quarterdeck("nodes", "list", "--json").json["nodes"]
    assert {node["name"]: node["sync_disabled"] for node in listed} == {"local": True, "far": False}
    assert "disabled" in quarterdeck("nodes", "list").out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["run", "owl"], "did you mean own"),
        (["show", "nix"], "no run of a job"),
        (["cancel", "own"], "no run of a job"),
        (["restore", "own", "--to", "x"], "wanted a backup or restore job"),
        (["prune", "own"], "wanted a prune job"),
        (["run"], "required: NAME"),
    ],
)
def test_what_is_mistaken_is_2(
    quarterdeck: Program, data: Path, argv: list[str], said: str
) -> None:
    found = quarterdeck("jobs", *argv)
    assert (found.code, said in found.err) == (2, True), found.err


def test_the_mode(quarterdeck: Program) -> None:
    assert quarterdeck("mode", "show", "--json").json["mode"] == "standard"
    done = quarterdeck("mode", "set", "native_sync", "--json")
    assert (done.code, done.json["mode"], done.json["schema"]) == (0, "native_sync", 1)
    assert quarterdeck("mode", "show").out.startswith("native_sync: ")
    assert quarterdeck("config", "check").code == 0
    strong = quarterdeck("mode", "set", "standard", QUARTERDECK_TRAINING_MODE="wsl_sync")
    assert (strong.code, "stronger than any file" in strong.err) == (2, True)
    assert quarterdeck("--read-only", "mode", "set", "standard").code == 4
    assert quarterdeck("mode", "show", "--json").json["mode"] == "native_sync"
