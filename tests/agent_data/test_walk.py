"""Which files a dataset's paths reach, each counted once, and what is said about the others."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.agent_data.counting import Data, lines

REPOSITORY = Path(__file__).resolve().parents[2]


def test_two_asterisks_reach_every_depth(data: Data) -> None:
    for name in ("a.jsonl", "x/b.jsonl", "x/y/z/c.jsonl", "x/y/z/notes.txt"):
        data.write(f"data/{name}", 3)
    assert data.count("data/**/*.jsonl").records == 9
    assert data.count("data/*/*.jsonl").records == 3
    assert data.count("data/x/**/z/*.jsonl").records == 3
    assert data.count("data/**").files == 4


@pytest.mark.parametrize(
    ("pattern", "files"),
    [("d/g[0-4].jsonl", 5), ("d/g?.jsonl", 10), ("d/g[!0].jsonl", 9), ("d/g3.jsonl", 1)],
)
def test_patterns_of_names(data: Data, pattern: str, files: int) -> None:
    for i in range(10):
        data.write(f"d/g{i}.jsonl", 1)
    assert data.count(pattern).files == files


def test_a_file_reached_by_several_roots_counts_once(data: Data) -> None:
    data.write("data/games/synced/a.jsonl", 5)
    data.write("data/games/b.jsonl", 7)
    count = data.count("data/games/synced/", "data/games/*.jsonl", "data/**/*.jsonl", "data")
    assert (count.files, count.records) == (2, 12)


def test_hard_links_and_symbolic_links_count_once(data: Data) -> None:
    original = data.write("d/a.jsonl", 4)
    os.link(original, data.root / "d/b.jsonl")
    os.symlink(original, data.root / "d/c.jsonl")
    os.symlink(data.root / "d", data.root / "alias")
    count = data.count("d/*.jsonl", "alias/*.jsonl")
    assert (count.files, count.records, count.bytes) == (1, 4, original.stat().st_size)


def test_links_to_directories_are_followed_and_loops_end(data: Data) -> None:
    data.write("elsewhere/deep/a.jsonl", 2)
    data.write("d/b.jsonl", 3)
    os.symlink(data.root / "elsewhere", data.root / "d/more")
    os.symlink(data.root / "d", data.root / "elsewhere/deep/back")
    os.symlink("itself", data.root / "d/itself")
    assert data.count("d/**/*.jsonl").records == 5
    assert data.count("d/**/*.jsonl").faults == ()


def test_a_directory_means_the_names_its_method_knows(data: Data) -> None:
    data.write("d/a.jsonl", 2)
    data.write("d/deep/b.ndjson", 3)
    data.write("d/readme.txt", 50)
    assert data.count("d/").records == 5
    assert data.count("d", method="files").records == 3


def test_a_directory_of_other_names_is_not_an_empty_dataset(data: Data) -> None:
    data.write("d/a.json", 2)
    count = data.count("d/")
    assert count.records is None
    assert "1 files, none named *.jsonl" in (count.reason or "")


def test_temporary_and_hidden_files_are_not_counted(data: Data) -> None:
    for name in ("a.jsonl.tmp", "b.jsonl.part", "c.jsonl~", ".d.jsonl.Xy12ab", ".hidden.jsonl"):
        data.write(f"d/{name}", 5)
    data.write("d/.rsync-partial/e.jsonl", 5)
    data.write("d/whole.jsonl", 1)
    assert data.count("d/**/*").records == 1


def test_paths_that_do_not_exist_are_no_zero(data: Data) -> None:
    count = data.count("nowhere/*.jsonl")
    assert (count.records, count.reason) == (None, "nowhere: not there")
    data.write("d/a.jsonl", 2)
    count = data.count("nowhere/*.jsonl", "d/*.jsonl")
    assert count.records == 2
    assert count.faults == ("nowhere: not there",)


def test_an_existing_directory_without_files_is_zero(data: Data) -> None:
    (data.root / "d").mkdir()
    count = data.count("d/*.jsonl")
    assert (count.files, count.records, count.reason, count.newest_at) == (0, 0, None, None)


def test_home_is_the_root_where_none_is_given(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    data.write("games/a.jsonl", 3)
    monkeypatch.setenv("HOME", str(data.root))
    data.root = Path("")
    assert data.count("games/*.jsonl", "~/games/a.jsonl").records == 3


def test_special_files_are_refused_and_never_waited_for(data: Data) -> None:
    data.write("d/a.jsonl", 1)
    os.mkfifo(data.root / "d/pipe.jsonl")
    os.symlink("/dev/zero", data.root / "d/zero.jsonl")
    with socket.socket(socket.AF_UNIX) as listener:
        directory = os.getcwd()
        os.chdir(data.root / "d")  # a socket's path is short
        try:
            listener.bind("talk.jsonl")
        finally:
            os.chdir(directory)
    count = data.count("d/*.jsonl")
    assert (count.records, count.unreadable_files) == (1, 3)
    assert set(count.unreadable) == {"d/pipe.jsonl", "d/talk.jsonl", "d/zero.jsonl"}
    assert "d/pipe.jsonl: a FIFO, refused" in count.faults


def test_a_link_to_nothing_is_named(data: Data) -> None:
    os.makedirs(data.root / "d")
    os.symlink("gone", data.root / "d/a.jsonl")
    count = data.count("d/*.jsonl")
    assert count.records is None
    assert count.faults == ("d/a.jsonl: a link to nothing",)


def test_hostile_names_are_counted_and_named(data: Data) -> None:
    root = os.fsencode(data.root) + b"/d"
    os.mkdir(root)
    for name in (
        b"new\nline.jsonl",
        b"esc\x1b[2J.jsonl",
        b"\xff\xfe.jsonl",
        b"[x].jsonl",
        b"-rf.jsonl",
    ):
        with open(root + b"/" + name, "wb") as file:
            file.write(b"{}\n{torn")
    count = data.count("d/*.jsonl")
    assert (count.files, count.records) == (5, 5)
    assert any("\udcff\udcfe.jsonl" in fault for fault in count.faults)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody who may not read")
def test_what_may_not_be_read_is_named_and_not_zero() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        for path, mode in (("open.jsonl", 0o644), ("closed.jsonl", 0o600)):
            (root / path).write_bytes(lines(3))
            (root / path).chmod(mode)
        (root / "locked").mkdir(mode=0o700)
        (root / "locked" / "a.jsonl").write_bytes(lines(3))
        answer = subprocess.run(
            [sys.executable, "-c", _AS_SOMEBODY_ELSE, str(REPOSITORY), name],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    assert answer.stdout.splitlines() == [
        "3 2 closed.jsonl,locked/",
        "closed.jsonl: permission denied|locked/: permission denied",
        "None 1 unreadable, nothing readable",
    ]


_AS_SOMEBODY_ELSE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from workers.agent.data import DatasetCounter
from workers.protocol import DatasetWatch
import workers.agent.data.lines
os.setgroups([]); os.setgid(65534); os.setuid(65534)
def count(pattern):
    counter = DatasetCounter(None)
    counter.configure(sys.argv[2], (DatasetWatch("d", (pattern,), "lines"),))
    return counter.count(lambda: False).counts[0]
found = count("**/*.jsonl")
print(found.records, found.unreadable_files, ",".join(sorted(found.unreadable)))
print("|".join(sorted(found.faults)))
found = count("closed.jsonl")
print(found.records, found.reason)
"""


def test_copies_of_other_nodes_data_are_not_counted(data: Data) -> None:
    data.write("data/a.jsonl", 5)
    data.write("data/store/d/gpu-1/b.jsonl", 7)
    assert data.count("data/**/*.jsonl").records == 12
    data.write("data/store/.quarterdeck/destination.json", 0)
    data.write("data/store/d/.quarterdeck/nodes/gpu-1", 0)
    count = data.count("data/**/*.jsonl")
    assert (count.files, count.records, count.faults) == (1, 5, ())
    assert data.count("data/store/d/gpu-1/*.jsonl").files == 0, "not from within either"


def test_what_a_node_writes_beside_copies_is_its_own(data: Data) -> None:
    """Nothing of it may vanish: it would pass for nothing to lose."""
    data.write("d/.quarterdeck/nodes/gpu-1", 0)
    data.write(".quarterdeck/destination.json", 0)
    data.write("d/gpu-1/copy.jsonl", 1)
    data.write("d/consolidated/gen-000001/part.jsonl", 1)
    data.write("d/own.jsonl", 2)
    data.write("d/own/own.jsonl", 3)
    data.write("consolidated/own.jsonl", 4)
    assert data.count("**/*.jsonl").records == 9
