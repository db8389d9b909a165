"""Each start of a job comes after all before it, whatever the clock does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.operations.jobs.fences import Fences


def test_they_grow_though_the_clock_stands_still_or_goes_back() -> None:
    now = [1000.0]
    fences = Fences(lambda: now[0])
    assert fences.next() == 1_000_000
    assert fences.next() == 1_000_001
    now[0] = 5.0
    assert fences.next() == 1_000_002
    now[0] = 2000.0
    assert fences.next() == 2_000_000


def test_what_the_destination_has_seen_is_exceeded(tmp_path: Path) -> None:
    seen = tmp_path / ".quarterdeck" / "fence.json"
    seen.parent.mkdir()
    seen.write_text(json.dumps({"schema": 1, "fence": 9_000_000}))
    assert Fences(lambda: 1.0).next(str(tmp_path)) == 9_000_001


@pytest.mark.parametrize("text", [None, "", "[]", "7", '{"fence": "x"}', "\0"])
def test_what_cannot_be_read_stands_in_nobodys_way(tmp_path: Path, text: str | None) -> None:
    seen = tmp_path / ".quarterdeck" / "fence.json"
    seen.parent.mkdir()
    if text is not None:
        seen.write_text(text)
    assert Fences(lambda: 1.0).next(str(tmp_path)) == 1000
