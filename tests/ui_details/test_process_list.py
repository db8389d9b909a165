"""Which processes are listed, and in which order."""

from __future__ import annotations

import pytest

from console.ui.node.process_list import flat, matcher, tree
from workers.protocol import Process


def process(
    pid: int, parent: int = 0, name: str = "python", user: str = "mara", cpu: float = 0.0
) -> Process:
    return Process(pid, 100 + pid, parent, name, f"{name} --pid {pid}", user, "S", cpu_percent=cpu)


ALL = (
    process(1, name="init", user="root"),
    process(10, 1, "sshd", "root"),
    process(11, 10, "bash"),
    process(20, 1, cpu=300.0),
    process(21, 20, cpu=20.0),
    process(99, 4242, "orphan"),
)


@pytest.mark.parametrize(
    ("text", "pids"),
    [
        ("", [1, 10, 11, 20, 21, 99]),
        ("python", [20, 21]),
        ("user:root", [1, 10]),
        ("!user:root !python", [11, 99]),
        ("cpu>50", [20]),
        ("pid:2", []),
        ("[/x]", []),
    ],
)
def test_a_filter_keeps_what_it_names(text: str, pids: list[int]) -> None:
    assert [row.process.pid for row in flat(ALL, matcher(text), "pid", False)] == pids


def test_a_filter_that_is_none_is_refused_with_its_word() -> None:
    with pytest.raises(ValueError, match="cpu>fast"):
        matcher("cpu>fast")


def test_the_tree_has_every_process_once_and_branches_that_join() -> None:
    rows = tree(ALL, matcher(""), "pid", False)
    assert [(row.process.pid, row.branch) for row in rows] == [
        (1, ""), (10, "├─"), (11, "│ └─"), (20, "└─"), (21, "  └─"), (99, ""),
    ]  # fmt: skip


def test_the_tree_keeps_the_parents_of_what_is_kept_and_survives_a_loop() -> None:
    assert [row.process.pid for row in tree(ALL, matcher("pid:21"), "pid", False)] == [1, 20, 21]
    loop = (process(5, 6), process(6, 5), process(7, 7))
    assert sorted(row.process.pid for row in tree(loop, matcher(""), "pid", False)) == [5, 6, 7]
