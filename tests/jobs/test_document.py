"""The document: what is right is read, what is wrong is said with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.jobs.documents import body, document, write
from workers.harness import Misconfigured
from workers.jobs.document import load, parse


def test_a_whole_document() -> None:
    found = document()
    assert found.host("gpu-1").ssh == ("ssh", "-o", "BatchMode=yes", "--", "root@10.0.0.3")
    assert found.host("gpu-2").here
    assert found.host("gpu-2").tags == ("x",)
    assert found.host("local").here  # needs no entry
    assert [each.name for each in found.datasets_of("gpu-1")] == ["games"]
    assert found.limits.bandwidth_kib_s == 0
    assert found.limits.space_fraction == 0.5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 2}, "schema 2 is not known"),
        ({"limits": {"concurrency": 0}}, "limits.concurrency: a whole number from 1"),
        ({"limits": {"space_fraction": 3}}, "limits.space_fraction: a number from 0 to 1"),
        ({"hosts": {"a/b": {}}}, "hosts.a/b 'a/b': letters, digits"),
        ({"hosts": {"gpu-1": {"ssh": []}}}, "hosts.gpu-1.ssh: a command"),
        ({"hosts": {"gpu-1": {"ssh": "ssh x"}}}, "hosts.gpu-1.ssh: a list of texts"),
        ({"datasets": [{"name": ".."}]}, "datasets[0].name '..': letters, digits"),
        ({"datasets": [{"name": "a\nb"}]}, "datasets[0].name 'a\\nb': letters"),
        (
            {"hosts": {"gpu-1": {}, "gpu-2": {}, "consolidated": {}}},
            "no node may be called 'consolidated'",
        ),
        ({"sources": ["gpu-9"]}, "sources: 'gpu-9' is not among the hosts"),
        ({"destination": {"node": "local", "path": "data"}}, "destination.path: a path from '/'"),
        ({"run": "../x"}, "run '../x': letters"),
        ({"fence": "1"}, "fence: a whole number from 0 is wanted, found '1'"),
        ({"datasets": [{"name": "a"}, {"name": "a"}]}, "'a' is named twice"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        parse(body(**changes))
    assert words in str(caught.value)


def test_files_that_are_no_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QD_INPUT", raising=False)
    with pytest.raises(Misconfigured, match="no orders"):
        load(None)
    with pytest.raises(Misconfigured, match="cannot be read: No such file"):
        load(str(tmp_path / "none.json"))
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(Misconfigured, match="is no JSON"):
        load(str(broken))
    monkeypatch.setenv("QD_INPUT", str(write(tmp_path / "input.json", body())))
    assert load(None).job == "sync"
