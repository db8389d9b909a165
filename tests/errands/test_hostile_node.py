"""A node that lies: what it answers is checked before anything is made of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.errands.fields import LINES
from tests.errands.test_link import ssh
from workers.errands import code, link
from workers.errands.client import Errand
from workers.errands.faults import ErrandFailed, Unreachable
from workers.errands.shapes import Arrival, Removal
from workers.ledger.shapes import Synced

# Reads what a job sends, greets as the program would, then says these lines, whatever is asked.
_LIAR = """
import hashlib, os, sys, json
def exactly(n):
    data = b""
    while len(data) < n:
        data += os.read(0, n - len(data))
    return data
exactly(%d)
header = exactly(40)
exactly(int(header[32:]))
marker = b"qd-errand:" + hashlib.sha256(header[:32]).hexdigest()[:40].encode() + b":"
said = json.load(open(sys.argv[1]))
os.write(1, marker + json.dumps(said[0]).encode() + b"\\n")
while os.read(0, 65536):
    for line in said[1:]:
        os.write(1, line.encode() + b"\\n")
"""
HELLO = {"node_key": "k", "hostname": "h", "home": "/root", "python": "3.11.0"}
FILE = ["data/a.jsonl", 10, 10, 2, 5000, "", "lines", True]


def liar(folder: Path, *said: Any, hello: Any = HELLO) -> Errand:
    """An errand whose far end says these: objects as JSON under the first number, strings as they are."""
    lines = [each if isinstance(each, str) else json.dumps({"id": 1, **each}) for each in said]
    (folder / "said").write_text(json.dumps([hello, *lines]))
    (folder / "liar.py").write_text(_LIAR % len(code.boot()))
    return Errand.open(
        ssh(folder, f"exec {sys.executable} -I {folder}/liar.py {folder}/said"), "far"
    )


RESULT = {"root": "/root/run", "free_bytes": 1, "problems": {"games": []}}


def test_the_liar_can_tell_the_truth(tmp_path: Path) -> None:
    with liar(tmp_path, {"part": [["games", *FILE]]}, {"result": RESULT}) as errand:
        listing = errand.list("~/run", [LINES])
        assert listing.files["games"][0].path == "data/a.jsonl"


@pytest.mark.parametrize(
    "rows",
    [
        [["games", "a", 1]], [["others", *FILE]], [[{}, *FILE]], [3], 3, None, [None], [[]],
        [["games", 7, *FILE[1:]]], [["games", "a", "10", *FILE[2:]]], [["games", "a", 5, 6, *FILE[3:]]],
        [["games", "a", -1, -1, *FILE[3:]]], [["games", *FILE[:6], "new kind", True]],
        [["games", "a", 2**80, 10, *FILE[3:]]],
    ],
)  # fmt: skip
def test_rows_that_are_no_files(tmp_path: Path, rows: Any) -> None:
    with (
        liar(tmp_path, {"part": rows}, {"result": RESULT}) as errand,
        pytest.raises(ErrandFailed, match="far: listed what is no file"),
    ):
        errand.list("~/run", [LINES])


def test_paths_that_lead_out_are_problems_and_never_files(tmp_path: Path) -> None:
    rows = [["games", path, *FILE[1:]] for path in ("../x", "/../x", "a\nb", "", "a/./b", "good")]
    with liar(tmp_path, {"part": rows}, {"result": RESULT}) as errand:
        listing = errand.list("~/run", [LINES])
    assert [file.path for file in listing.files["games"]] == ["good"]
    assert len(listing.problems["games"]) == 5
    assert all(text.isprintable() for text in listing.problems["games"])


@pytest.mark.parametrize(
    "result",
    [
        None, [], {}, {**RESULT, "root": "run"}, {**RESULT, "root": "/a/../b"}, {**RESULT, "root": 7},
        {**RESULT, "root": "/x\n/y"}, {**RESULT, "free_bytes": "much"}, {**RESULT, "problems": []},
    ],
)  # fmt: skip
def test_results_that_are_none(tmp_path: Path, result: Any) -> None:
    with liar(tmp_path, {"result": result}) as errand, pytest.raises(ErrandFailed, match="far: "):
        errand.list("~/run", [LINES])


def test_what_it_says_for_people_is_harmless_and_short(tmp_path: Path) -> None:
    said = "\x1b[2J\x1b]0;owned\x07" + "x" * 100_000
    with (
        liar(tmp_path, {"failed": ["gone", said]}) as errand,
        pytest.raises(ErrandFailed) as caught,
    ):
        errand.get("x")
    assert caught.value.text.isprintable()
    assert len(caught.value.text) < 4000
    problems = {**RESULT, "problems": {"games": [said[:3000]] * 1000}}
    with liar(tmp_path, {"result": problems}) as errand:
        told = errand.list("~/run", [LINES]).problems["games"]
    assert len(told) < 100
    assert all(text.isprintable() and len(text) < 4000 for text in told)


def test_a_snapshot_is_only_the_one_that_was_asked_for(tmp_path: Path) -> None:
    good = ["/root/run/data/.g.db.r1.quarterdeck.tmp", 10, "ab", 2, 10, 5000]
    with liar(tmp_path, {"result": good}) as errand:
        assert errand.snapshot_sqlite("~/run", "data/g.db", "r1").path == good[0]
    for path in ("/etc/shadow", "/x/../.g.db.r1.quarterdeck.tmp", ".g.db.r1.quarterdeck.tmp"):
        with (
            liar(tmp_path, {"result": [path, *good[1:]]}) as errand,
            pytest.raises(ErrandFailed) as caught,
        ):
            errand.snapshot_sqlite("~/run", "data/g.db", "r1")
        assert caught.value.code == "unsafe_name"


def test_other_answers_that_are_none(tmp_path: Path) -> None:
    entry = Synced("n", "k", "a", 1, 1, "h", 1, 1, 1.0)
    results: list[Any] = [None, [], [[]], "x" * 9, [["b", 3]], {"a": 1}, [["a", True]] * 3]
    asks: list[Any] = [
        lambda errand: errand.hash("~", [("a", 1)]),
        lambda errand: errand.place("~/d", "games", [Arrival("s", entry)], 1),
        lambda errand: errand.remove("~", [Removal("a", 1, 1, "h")]),
        lambda errand: errand.destination("~/d"),
        lambda errand: errand.snapshot_sqlite("~", "a", "r1"),
        lambda errand: errand.clear_staging("~/d", "r1", 1),
        lambda errand: errand.get("x"),
    ]
    for ask in asks:
        for result in results:
            with liar(tmp_path, {"result": result}) as errand, pytest.raises(ErrandFailed):
                ask(errand)
            if ask is not asks[0]:
                break


def test_manifests_that_are_none(tmp_path: Path) -> None:
    for part in (3, [["synced", "{}"]], [["others", "x"]], [[1, 2, 3]], [["synced", 7]]):
        with (
            liar(tmp_path, {"part": part}, {"result": []}) as errand,
            pytest.raises(ErrandFailed, match="no lines of a manifest"),
        ):
            errand.manifests("~/d", "games")


def test_garbage_endless_lines_and_odd_beats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "LONGEST_LINE_BYTES", 100_000)
    for said in (
        "no JSON",
        "[]",
        '{"id":1,"beat":[1,2]}',
        '{"id":1,"beat":["a",1,2]}',
        "x" * 200_000,
    ):
        with liar(tmp_path, said) as errand, pytest.raises(ErrandFailed, match="far: "):
            errand.get("x")


@pytest.mark.parametrize("hello", [{}, {**HELLO, "home": "root"}, {**HELLO, "node_key": None}])
def test_a_greeting_that_is_none(tmp_path: Path, hello: Any) -> None:
    with pytest.raises((ErrandFailed, Unreachable), match="far: "):
        liar(tmp_path, hello=hello)
