"""One job at a time in a destination, and never an old one after a new one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.errands.conftest import HERE
from tests.errands.fields import FENCE, Field
from workers.errands.client import Errand
from workers.errands.faults import ErrandFailed
from workers.errands.shapes import Arrival


def lock(path: Path, fence: int) -> str:
    """The code of the refusal; "" where it was let in and has gone again."""
    with Errand.open(HERE, "other") as other:
        try:
            other.lock(str(path), fence, "ada@desk run 7")
        except ErrandFailed as fault:
            return f"{fault.code}: {fault.text}"
    return ""


def test_a_second_job_waits_outside_and_is_told_for_whom(field: Field) -> None:
    text = lock(field.there, FENCE + 1)
    assert text.startswith("busy: other: ")
    assert "another job is at work there: test, since 0 min" in text


def test_an_older_job_is_refused_after_a_newer_one(tmp_path: Path) -> None:
    assert lock(tmp_path, 5) == ""
    assert lock(tmp_path, 7) == ""
    assert "fenced" in lock(tmp_path, 6)
    assert lock(tmp_path, 7) == ""  # the same run again


def test_the_lock_goes_with_the_program_however_it_dies(tmp_path: Path) -> None:
    errand = Errand.open(HERE, "here")
    errand.lock(str(tmp_path), 5, "one")
    errand._link._child.kill()
    errand._link._child.wait()
    errand.close()
    assert lock(tmp_path, 6) == ""


def test_a_fence_that_cannot_be_read_lets_nobody_in(tmp_path: Path) -> None:
    assert lock(tmp_path, 5) == ""
    (tmp_path / ".quarterdeck/fence.json").write_bytes(b'{"fen')
    assert "not readable as a fence; if no job runs, remove it" in lock(tmp_path, 9)


def test_what_a_destination_is(field: Field, tmp_path: Path) -> None:
    found = field.errand.destination(str(field.there))
    assert (found.exists, found.marked) == (True, True)
    assert 0 < found.free_bytes <= found.total_bytes
    assert found.file_system
    new = field.errand.destination(str(tmp_path / "new/and/newer"))
    assert (new.exists, new.marked) == (False, False)
    assert new.total_bytes == found.total_bytes


def test_a_destination_that_went_is_not_made_anew(field: Field) -> None:
    entry = field.entry("a", b"1")
    staged = field.stage("a", b"1")
    os.rename(field.there, field.there.with_name("moved"))
    with pytest.raises(ErrandFailed, match="the destination is gone"):
        field.errand.place(str(field.there), "games", [Arrival(staged, entry)], FENCE)
