"""What fills a disk: as du counts, links once, no other file system, ends with its budget."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.agent.conftest import run_apart
from workers.agent.disk_usage import deleted_open_bytes, explain
from workers.protocol import DiskEntry, DiskExplanation, ExplainDisk

KIB = 1024


def write(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))


def du(path: Path) -> int:
    output = subprocess.run(["du", "-sk", path], capture_output=True, text=True, check=True).stdout
    return int(output.split()[0]) * KIB


def entries(found: DiskExplanation) -> dict[str, DiskEntry]:
    return {entry.path: entry for entry in found.entries}


def test_the_largest_come_first_and_agree_with_du(tmp_path: Path) -> None:
    for number in range(4):
        write(tmp_path / "games" / f"{number}.jsonl", 300 * KIB)
        write(tmp_path / "logs" / f"{number}.log", 20 * KIB)
    found = explain(ExplainDisk(str(tmp_path)))
    assert found.path == str(tmp_path)
    assert (found.files, found.complete, found.unreadable) == (8, True, 0)
    first = found.entries[0]
    assert (first.path, first.files) == (str(tmp_path / "games"), 4)
    assert first.bytes == du(tmp_path / "games")
    assert entries(found)[str(tmp_path / "logs")].bytes == du(tmp_path / "logs")
    assert [entry.bytes for entry in found.entries] == sorted(
        (entry.bytes for entry in found.entries), reverse=True
    )


def test_a_chain_of_directories_is_named_by_its_useful_end(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / "home/me/runs" / name / "weights.bin", 200 * KIB)
    found = entries(explain(ExplainDisk(str(tmp_path))))
    assert str(tmp_path / "home/me/runs") in found
    assert str(tmp_path / "home") not in found
    assert str(tmp_path / "home/me") not in found


def test_one_huge_file_is_named_itself(tmp_path: Path) -> None:
    write(tmp_path / "data" / "core.4711", 900 * KIB)
    write(tmp_path / "data" / "small", 4 * KIB)
    found = explain(ExplainDisk(str(tmp_path)))
    assert str(tmp_path / "data" / "core.4711") in entries(found)


def test_hard_links_count_once_and_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write(outside / "big", 500 * KIB)
    inside = tmp_path / "inside"
    write(inside / "one" / "file", 100 * KIB)
    (inside / "two").mkdir()
    os.link(inside / "one" / "file", inside / "two" / "same")
    (inside / "loop").symlink_to(inside)
    (inside / "out").symlink_to(outside)
    found = explain(ExplainDisk(str(inside)))
    assert sum(entry.bytes for entry in found.entries if entry.path.count("/") <= 99) < 250 * KIB
    assert str(outside) not in str(found.entries)
    assert du(inside) < 150 * KIB


def test_allocated_bytes_count_and_not_the_length(tmp_path: Path) -> None:
    sparse = tmp_path / "holes" / "sparse"
    sparse.parent.mkdir()
    with open(sparse, "wb") as file:
        file.truncate(1 << 30)
    found = explain(ExplainDisk(str(tmp_path)))
    assert sum(entry.bytes for entry in found.entries) < 1 << 20


def test_the_budget_ends_the_walk_and_it_says_so(tmp_path: Path) -> None:
    for number in range(50):
        write(tmp_path / str(number) / "file", KIB)
    found = explain(ExplainDisk(str(tmp_path), budget_s=0.0))
    assert not found.complete
    assert found.files < 50


def test_relative_paths_start_at_the_root(tmp_path: Path) -> None:
    write(tmp_path / "data" / "sub" / "file", 8 * KIB)
    found = explain(ExplainDisk("data"), str(tmp_path))
    assert found.path == "data"
    assert found.files == 1


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        explain(ExplainDisk(str(tmp_path / "absent")))


def test_deleted_files_that_are_still_open_are_counted(tmp_path: Path) -> None:
    device = os.stat(tmp_path).st_dev
    before = deleted_open_bytes(device)
    assert before is not None
    with open(tmp_path / "log", "wb") as file:
        file.write(os.urandom(4 << 20))
        file.flush()
        os.fsync(file.fileno())
        os.unlink(file.name)
        held = deleted_open_bytes(device)
        assert held is not None
        assert held - before >= 3 << 20
    assert deleted_open_bytes(device, proc=str(tmp_path / "absent")) is None


UNREADABLE = """
from workers.agent.disk_usage import explain
from workers.protocol import ExplainDisk
found = explain(ExplainDisk({path!r}))
print(found.unreadable, found.files)
"""


def test_unreadable_directories_are_counted() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders admit nobody else
        folder = Path(name)
        folder.chmod(0o755)
        write(folder / "open" / "file", KIB)
        write(folder / "closed" / "file", KIB)
        (folder / "closed").chmod(0)
        assert _unreadable_and_files(name) == (1, 1)
        (folder / "closed").chmod(0o700)


def _unreadable_and_files(path: str) -> tuple[int, int]:
    """As an ordinary user sees it; root may read everything."""
    if os.geteuid() != 0:
        found = explain(ExplainDisk(path))
        return found.unreadable, found.files
    drop = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    python = "/usr/bin/python3"
    if not os.path.exists(python):
        pytest.skip("no Python that an ordinary user may run")
    unreadable, files = run_apart(UNREADABLE.format(path=path), python, *drop).split()
    return int(unreadable), int(files)


@pytest.mark.root
def test_other_file_systems_are_not_entered(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    write(tmp_path / "here" / "file", 8 * KIB)
    (tmp_path / "other").mkdir()
    mount = 'mount -t tmpfs none "$0" && head -c 1M /dev/urandom > "$0/big" && exec "$@"'
    before = (
        *("unshare", "--mount", "--propagation", "private", "sh", "-c", mount),
        str(tmp_path / "other"),
    )
    code = UNREADABLE.format(path=str(tmp_path))
    assert run_apart(code, "/usr/bin/python3", *before).split() == ["0", "1"]
