"""The filter of jobs, and the orders of a run read back."""

from __future__ import annotations

import json

import pytest

from console.fleet.jobs import Planned, job_rows
from console.fleet.jobs.filter import FilterError, parse
from console.fleet.jobs.orders import orders
from tests.fleet.test_jobs import part, view

ROWS = job_rows(
    [
        view("sync", part("gpu-1", "running", bytes=5e9, bytes_total=10e9, rate_bytes_s=8e6), part("gpu-2", "failed")),
        view("nightly", state="exited", exit_code=1, run_id="f00d", node="nas", over_s=5.0),
    ],
    [Planned("backup", "backup", "0 * * * *", 60.0)],
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["sync", "backup", "nightly"]),
        ("kind:backup", ["backup"]),
        ("section:history,scheduled", ["backup", "nightly"]),
        ("state:failed", ["nightly"]),
        ("node:gpu-2", ["sync"]),
        ("node:nas", ["nightly"]),
        ("gpu-1", ["sync"]),
        ("job~^n", ["nightly"]),
        ("run:f00", ["nightly"]),
        ("progress>49", ["sync"]),
        ("gb>4 rate>7", ["sync"]),
        ("failed>0", ["sync"]),
        ("nodes>1", ["sync"]),
        ("!kind:backup !node:nas", ["sync"]),
        ("message:cron", ["backup"]),
    ],
)
def test_a_filter_takes_the_jobs_it_says(text: str, names: list[str]) -> None:
    accepts = parse(text)
    assert [row.name for row in ROWS if accepts(row)] == names


def test_a_filter_that_cannot_be_meant_says_why() -> None:
    with pytest.raises(FilterError, match="did you mean state"):
        parse("stat:failed")


# ------------------------------------------------------------ orders


DOCUMENT = {
    "schema": 1,
    "hosts": {
        "gpu-1": {"ssh": ["ssh", "-o", "BatchMode=yes", "--", "root@10.0.0.3"], "root": "~/run"},
        "gpu-2": {"ssh": None, "root": "~", "problem": "asks for a passphrase"},
        "local": {"ssh": None},
    },
    "datasets": [{"name": "hex8", "paths": ["a b/*.jsonl"], "count": "lines", "nodes": ["gpu-1"]}],
    "sources": ["gpu-1", "gpu-2"],
    "destination": {"node": "local", "path": "~/data"},
    "limits": {"concurrency": 2, "timeout_s": 0},
    "options": {"direction": "pull", "paths": [], "remote": None},
}


def test_orders_are_read_back_line_by_line() -> None:
    text = json.dumps(DOCUMENT)
    found = orders([text[:40], text[40:]])
    assert [tuple(one) for one in found] == [
        ("fact", "sources", "gpu-1, gpu-2"),
        ("fact", "destination", "local: ~/data"),
        ("fact", "dataset", "hex8: a b/*.jsonl (lines)"),
        ("fact", "limits", "concurrency 2, timeout_s 0"),
        ("fact", "options", "direction pull"),
        ("host", "gpu-1", "root ~/run"),
        ("command", "", "ssh -o BatchMode=yes -- root@10.0.0.3"),
        ("host", "gpu-2", "root ~"),
        ("problem", "", "asks for a passphrase"),
        ("host", "local", "root ~"),
        ("command", "", "this machine: no ssh"),
    ]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "null", "[" * 100_000, '{"hosts": 3, "datasets": {}, "sources": "x"}',
     '{"hosts": {"a": 3}, "datasets": [3], "sources": [3], "destination": [], "limits": [1]}'],
)  # fmt: skip
def test_orders_of_any_shape_never_raise(text: str) -> None:
    for one in orders([text]):
        assert all(isinstance(word, str) for word in one)


def test_no_orders_are_no_lines() -> None:
    assert orders(()) == ()


def test_orders_without_end_are_cut() -> None:
    body = {"hosts": {f"n{i}": {"ssh": ["ssh"]} for i in range(5000)}}
    assert len(orders([json.dumps(body)])) <= 400
