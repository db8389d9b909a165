"""A disk that is full, and one that lost its power: what was durable is there, and nothing half."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents import ROOT
from tests.records.games import BOARD, PLAYERS, WORKER, files_in, game, seeds_in
from tests.supervisor_state.disks import ext4, fill, power_cut, tmpfs
from workers.records import Journal, count, recover

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with tmpfs(tmp_path / "disk", "size=256k") as folder:
        yield folder


def write_until_full(journal: Journal) -> list[int]:
    """The seeds that were taken."""
    for seed in range(100_000):
        try:
            journal.append(game(seed))
        except OSError as error:
            if error.errno == errno.ENOSPC:
                return list(range(seed))
            raise
    raise AssertionError("the disk is never full")


@root_only
@pytest.mark.parametrize("seal_games", [40, 100_000], ids=["sealing", "journal"])
def test_a_full_disk(disk: Path, seal_games: int) -> None:
    journal = Journal(disk / "out", BOARD, PLAYERS, WORKER, seal_games=seal_games)
    taken = write_until_full(journal)
    assert journal.produced == journal.durable == len(taken)
    assert count(disk).records == len(taken)
    with pytest.raises(OSError, match="No space left"):
        journal.append(game(len(taken)))
    try:
        journal.close()
    except OSError as error:
        assert error.errno == errno.ENOSPC  # noqa: PT017
    assert not [name for name in files_in(disk) if name.endswith(".tmp")]


@root_only
def test_room_again_and_it_goes_on(disk: Path) -> None:
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * 100_000)
    journal = Journal(disk / "out", BOARD, PLAYERS, WORKER)
    taken = write_until_full(journal)
    ballast.unlink()
    journal.append(game(len(taken)))
    journal.close()
    assert seeds_in(disk) == [*taken, len(taken)]


@root_only
def test_a_death_on_a_full_disk(disk: Path) -> None:
    (disk / "ballast").write_bytes(b"x" * 100_000)
    journal = Journal(disk / "out", BOARD, PLAYERS, WORKER)
    taken = write_until_full(journal)
    fill(disk)
    journal._claim.let_go()
    with pytest.raises(OSError, match="No space left"):
        recover(disk)
    assert count(disk).records == len(taken)
    (disk / "ballast").unlink()
    assert recover(disk).recovered == len(taken)
    assert seeds_in(disk) == taken


@root_only
@pytest.mark.parametrize("fsync", ["game", "group:5,60", "none"])
def test_a_power_cut(tmp_path: Path, fsync: str) -> None:
    with ext4(tmp_path / "disk") as folder:
        journal = Journal(folder / "out", BOARD, PLAYERS, WORKER, fsync, seal_games=20)
        for seed in range(33):
            journal.append(game(seed))
        durable = journal.durable
        journal._claim.let_go()
        power_cut(folder)
        recover(folder)
        seeds = seeds_in(folder)
        assert seeds == list(range(len(seeds)))
        assert len(seeds) >= durable >= 20


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from tests.records.games import BOARD, PLAYERS, WORKER, game
from workers.records import Journal
journal = Journal(Path({str(tmp_path)!r}), BOARD, PLAYERS, WORKER)
try:
    for seed in range(1000):
        journal.append(game(seed))
except OSError as error:
    print(error.errno, journal.durable)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)),
    )  # fmt: skip
    number, durable = map(int, done.stdout.split())
    assert number == errno.EFBIG
    assert durable > 3
    found = recover(tmp_path)
    assert (found.recovered, found.torn) == (durable, 0)
    assert seeds_in(tmp_path) == list(range(durable))
