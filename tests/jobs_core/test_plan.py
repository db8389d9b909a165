"""What the code of a job says of its plan, read and shown."""

from __future__ import annotations

import json

import pytest

from console.errors import LinkError, RequestFailed
from console.operations.jobs.asking import read
from console.operations.jobs.plan import JobPlan, shares_of
from console.settings.jobs import JobSettings
from workers.protocol import WorkerSpec

SAID = {
    "schema": 1,
    "hosts": [
        {"name": "a", "does": "pulls", "files": 2, "bytes": 1500, "commands": [["rsync", "a b"]], "notes": ["n"]},
        {"name": "b", "does": "pulls", "problem": "is down"},
        {"name": "c", "does": "pulls", "files": None, "bytes": None},
        "no object",
    ],
}  # fmt: skip


def test_the_lines_of_a_plan() -> None:
    job = JobSettings(name="j", kind="sync")
    plan = JobPlan(job, "local", WorkerSpec("r", "j", ()), {}, "brings", shares_of(SAID), ("x",))
    assert plan.files is None, "one could not tell"
    assert plan.lines == (
        "j (sync) on local: brings",
        "  a: pulls: 2 files, 1.5 KB",
        "    note: n",
        "    $ rsync 'a b'",
        "  b: nothing: is down",
        "  c: pulls",
        "together: unknown",
        "never: x",
    )


def test_an_answer_is_found_among_other_lines() -> None:
    said = json.dumps({"schema": 1, "does": "x", "refusals": ["full"]})
    assert read(f"a banner\n{said}\n".encode(), b"", 4)["refusals"] == ["full"]


def test_no_answer_is_said_in_the_childs_words() -> None:
    err = b"Traceback\n  File\nerror: the disk is gone\n"
    with pytest.raises(RequestFailed, match="no plan: the disk is gone"):
        read(b"", err, 1)
    assert read(b"", b"error: no orders", 4)["refusals"] == ["no orders"]
    with pytest.raises(LinkError, match="nobody answered"):
        read(b"", b"error: nobody answered", 3)
    with pytest.raises(RequestFailed, match="exit code 9"):
        read(b'{"schema": 2}', b"", 9)
