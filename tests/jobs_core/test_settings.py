"""Jobs as a person writes them, and the mistakes that are made."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.errors import SettingsError
from console.settings.load import load
from console.settings.mode_file import write_mode
from console.settings.model import Settings

HOME = {"HOME": "/nonexistent"}


def loaded(folder: Path, text: str) -> Settings:
    file = folder / "settings.yaml"
    file.write_text(text)
    file.chmod(0o600)
    return load(file, environ=HOME).settings


def test_sync_and_aggregate_are_there_without_settings(tmp_path: Path) -> None:
    jobs = {job.name: job for job in load(environ={"HOME": str(tmp_path)}).settings.jobs}
    assert {name: job.kind for name, job in jobs.items()} == {
        "sync": "sync",
        "aggregate": "aggregate",
    }
    assert jobs["sync"].sources == "*"
    assert jobs["sync"].destination.node is None
    assert jobs["sync"].destination.path == "~/.local/share/quarterdeck/data"


def test_one_of_ones_own_changes_what_it_says_and_stands_first(tmp_path: Path) -> None:
    text = "jobs:\n- {name: mine, kind: prune}\n- {name: sync, bandwidth: 5MiB}\n"
    jobs = loaded(tmp_path, text).jobs
    assert [job.name for job in jobs] == ["mine", "sync", "aggregate"]
    assert (jobs[1].kind, jobs[1].bandwidth) == ("sync", 5 * 2**20)


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ("{kind: sync}", "name: is missing"),
        ("{name: x, kind: copy}", "kind: wanted 'sync', 'aggregate'"),
        ("{name: x, kind: sync, schedule: hourly}", "schedule: wanted a cron expression"),
        ("{name: x, kind: sync, schedule: '0 0 30 2 *'}", "schedule: wanted a cron expression"),
        ("{name: x, kind: sync, repo: y}", "repo: not a key of sync jobs"),
        ("{name: x, kind: sync, paths: [a]}", "paths: wanted of a push"),
        ("{name: x, kind: sync, direction: push}", "paths: wanted of a push"),
        ("{name: x, kind: backup}", "remote: a backup job needs it"),
        ("{name: x, kind: backup, remote: bucket}", "remote: wanted NAME:BUCKET/PREFIX"),
        ("{name: x, kind: backup, remote: '--config=a:b'}", "remote: wanted NAME:BUCKET/PREFIX"),
        ("{name: x, kind: restore, remote: 'a:b'}", "to: a restore job needs it"),
        ("{name: x, kind: update_code, repo: r, ref: --hard}", "ref: wanted a branch"),
        ("{name: x, kind: pipeline}", "wanted either steps"),
        ("{name: x, kind: pipeline, train: [t]}", "source: the folder that a train pipeline"),
        ("{name: x, kind: pipeline, steps: [nix]}", "x: there is no job nix"),
        ("{name: x, kind: pipeline, steps: [x]}", "x: its steps lead back to it"),
        ("{name: x, kind: sync, datasets: [nix]}", "x: there is no dataset nix"),
        ("{name: x, kind: sync, space: 2}", "space: wanted a share"),
        ("{name: x, kind: sync, concurrency: 0}", "concurrency: wanted greater than"),
        ("{name: x, kind: sync, sources: 'a;b'}", "sources: 'a;b' is no selector"),
        ("{name: x, kind: sync, destination: '-o'}", "destination.node: wanted a name"),
        ("{name: x, kind: sync, caps: [{host: a}]}", "caps.#1.host: is not known; did you mean hosts"),
        ("{name: x, kind: sync, retry: {atempts: 1}}", "retry.atempts: is not known; did you mean attempts"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(tmp_path: Path, job: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, f"jobs:\n  - {job}\n")
    assert said in str(caught.value)
    assert "settings.yaml:" in str(caught.value)


def test_a_circle_through_several_pipelines_is_found(tmp_path: Path) -> None:
    text = "jobs:\n" + "".join(
        f"  - {{name: {a}, kind: pipeline, steps: [{b}]}}\n" for a, b in ("ab", "bc", "ca")
    )
    with pytest.raises(SettingsError, match="lead back"):
        loaded(tmp_path, text)


def test_where_it_runs(tmp_path: Path) -> None:
    text = """
jobs:
  - {name: a, kind: sync}
  - {name: b, kind: sync, run_on: destination}
  - {name: c, kind: backup, remote: "s3:bucket"}
  - {name: d, kind: backup, remote: ":s3:bucket/x", run_on: orchestrator}
  - {name: e, kind: pipeline, train: [python, t.py], source: /data}
  - {name: f, kind: pipeline, steps: [a]}
"""
    jobs = {job.name: job for job in loaded(tmp_path, text).jobs}
    there = [name for name in "abcd" if jobs[name].at_destination]
    assert there == ["b", "c"]
    assert [jobs[name].work for name in "aef"] == ["sync", "train", "pipeline"]
    assert [jobs[name].conducted for name in "aef"] == [False, False, True]


def test_sync_is_switched_off_for_a_node_or_for_this_machine(tmp_path: Path) -> None:
    nodes = "nodes: [local, {name: a, sync_disabled: true}, b]\n"
    off = loaded(tmp_path, nodes).sync_off
    assert [off(name) for name in ("local", "", "b")] == ["", "", ""]
    assert "a: its settings say sync_disabled" in off("a")
    off = loaded(tmp_path, nodes + "sync_disabled: true\n").sync_off
    assert all("this machine" in off(name) for name in ("local", ""))
    assert off("b") == ""


# ---------------------------------------------------------------- the mode


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "",
            "# Written by `quarterdeck mode set`; you may edit it.\ntraining:\n  mode: wsl_sync\n",
        ),
        ("ui:\n  theme: x", "ui:\n  theme: x\ntraining:\n  mode: wsl_sync\n"),
        (
            'training:  # how\n    wsl_path: ~/a\n    mode: "standard"  # for now\nui: {theme: x}\n',
            "training:  # how\n    wsl_path: ~/a\n    mode: wsl_sync  # for now\nui: {theme: x}\n",
        ),
        (
            "training:\n  # a word\n  wsl_path: ~/a\n",
            "training:\n  mode: wsl_sync\n  # a word\n  wsl_path: ~/a\n",
        ),
    ],
)
def test_only_the_line_of_the_mode_changes(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / "settings.yaml"
    if before:
        file.write_text(before)
        file.chmod(0o600)
    write_mode(file, "wsl_sync")
    assert file.read_text() == after
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_mode_in_an_odd_place_is_left_to_its_writer(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("training: {mode: standard}\n")
    file.chmod(0o600)
    with pytest.raises(SettingsError, match="edit it by hand"):
        write_mode(file, "wsl_sync")
    assert file.read_text() == "training: {mode: standard}\n"
