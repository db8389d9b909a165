"""Pointers move by compare-and-swap and remember where they were."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from workers.harness import CorruptData, Misconfigured
from workers.network.places import checkpoint_name, checkpoint_names, checkpoint_path
from workers.network.pointers import history, read_pointer, swap_pointer

NAMES = [checkpoint_name(step, f"{step:016x}"[::-1]) for step in range(6)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        checkpoint_path(tmp_path, name).mkdir(parents=True)
    return tmp_path


def test_a_pointer_moves_only_from_where_it_was_expected(folder: Path) -> None:
    assert read_pointer(folder, "best") is None
    assert swap_pointer(folder, "best", None, NAMES[0], "first", now=1.0)
    assert not swap_pointer(folder, "best", None, NAMES[1])
    assert not swap_pointer(folder, "best", NAMES[2], NAMES[1])
    assert swap_pointer(folder, "best", NAMES[0], NAMES[1], "won", now=2.0)
    assert read_pointer(folder, "best") == NAMES[1]
    assert [tuple(change) for change in history(folder, "best")] == [
        (1.0, None, NAMES[0], "first"),
        (2.0, NAMES[0], NAMES[1], "won"),
    ]


def test_of_many_swaps_from_one_place_one_wins(folder: Path) -> None:
    swap_pointer(folder, "best", None, NAMES[0])
    won: list[str] = []

    def race(name: str) -> None:
        if swap_pointer(folder, "best", NAMES[0], name):
            won.append(name)

    threads = [threading.Thread(target=race, args=(name,)) for name in NAMES[1:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [read_pointer(folder, "best")]
    assert len(history(folder, "best")) == 2


def test_a_torn_line_of_history_harms_no_other(folder: Path) -> None:
    swap_pointer(folder, "best", None, NAMES[0])
    with open(folder / "best.log", "ab") as log:
        log.write(b'{"t": 1.0, "bef')
    swap_pointer(folder, "best", NAMES[0], NAMES[1])
    assert [change.after for change in history(folder, "best")] == NAMES[:2]


def test_what_is_no_checkpoint_is_refused(folder: Path) -> None:
    with pytest.raises(Misconfigured, match="there is no checkpoint"):
        swap_pointer(folder, "best", None, checkpoint_name(99, "0" * 16))
    for wrong in ("../../etc", "", "1-0"):
        with pytest.raises(CorruptData):
            swap_pointer(folder, "best", None, wrong)
    with pytest.raises(Misconfigured, match="no pointer"):
        read_pointer(folder, "newest")
    (folder / "best").write_text("../../etc\n")
    with pytest.raises(CorruptData, match=r"best\.log"):
        read_pointer(folder, "best")


def test_names_sort_by_step_however_large(folder: Path) -> None:
    huge = checkpoint_name(10**9, "0" * 16)
    checkpoint_path(folder, huge).mkdir()
    checkpoint_path(folder, NAMES[0]).with_name(".writing-000000009-00000000-1").mkdir()
    assert checkpoint_names(folder) == [huge, *reversed(NAMES)]
    assert checkpoint_names(folder / "absent") == []
