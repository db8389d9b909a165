"""Memory is bounded by what the job was given, however many records there are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents import ROOT
from tests.jobs_aggregate.world import World
from workers.harness import Worker
from workers.jobs.aggregate.running import merge

MANY, FEW = 3_000_000, 300_000
MEMORY_BYTES = 192 << 20
GROWTH = 1.5  # of the peak, for ten times the records


def pieces(first: int, count: int) -> Iterator[bytes]:
    for start in range(first, first + count, 50_000):
        yield b"".join(b'{"winner":%d}\n' % n for n in range(start, start + 50_000))


def peak_of(folder: Path, count: int) -> int:
    """Peak memory in bytes of a merge of two nodes that share half of their records."""
    world = World(folder)
    half = count // 2
    for node, first in (("a", 0), ("b", half // 2)):
        world.copy(node, "x.jsonl", b"".join(pieces(first, half)))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.jobs_aggregate.test_memory", str(folder)], cwd=ROOT
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert world.manifests[0]["rows"] == count * 3 // 4
    return used.ru_maxrss * 1024


@pytest.mark.long
@pytest.mark.timeout(600)
def test_ten_times_the_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few, many = peak_of(tmp_path / "few", FEW), peak_of(tmp_path / "many", MANY)
    with capsys.disabled():
        print(f" {few >> 20} MiB for {FEW:,}, {many >> 20} MiB for {MANY:,} records ", end="")
    assert many < few * GROWTH + MEMORY_BYTES // 2


if __name__ == "__main__":
    world = World(Path(sys.argv[1]))
    world.options = {"memory_bytes": MEMORY_BYTES}
    merge(Worker("record"), world.document())
