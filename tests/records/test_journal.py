"""The life of a journal: what it takes, what it says is durable, when it is sealed, and who may write."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.agents import ROOT
from tests.records.games import BOARD, PLAYERS, WORKER, files_in, game, seeds_in
from workers.harness.errors import Misconfigured
from workers.records import Journal, WriterExists, claim, count, list_shards, recover
from workers.records.journal import Policy


class Clock:
    """Both clocks, set by hand."""

    def __init__(self, now: float = 1795336995.0) -> None:
        self.now, self.since = now, 0.0

    def journal(self, out: Path, **options: object) -> Journal:
        return Journal(
            out, BOARD, PLAYERS, WORKER, clock=lambda: self.now, monotonic=lambda: self.since, **options
        )  # type: ignore[arg-type]  # fmt: skip


def fill(journal: Journal, *seeds: int) -> None:
    for seed in seeds:
        journal.append(game(seed))


def test_a_life(tmp_path: Path) -> None:
    journal = Clock().journal(tmp_path, seal_games=3)
    fill(journal, *range(8))
    assert (journal.produced, journal.durable, journal.sealed) == (8, 8, 6)
    assert count(tmp_path)[:4] == (8, 6, 2, 1)
    journal.close()
    assert (journal.produced, journal.durable, journal.sealed) == (8, 8, 8)
    assert seeds_in(tmp_path) == list(range(8))
    assert [shard.path for shard in list_shards(tmp_path)] == journal.shards
    assert [shard.records for shard in list_shards(tmp_path)] == [3, 3, 2]
    assert [name.split("/")[1] for name in files_in(tmp_path)] == ["20261122"] * 3
    assert files_in(tmp_path / f"{BOARD}_{PLAYERS}p" / "open") == []


def test_a_game_is_one_line(tmp_path: Path) -> None:
    journal = Clock().journal(tmp_path)
    fill(journal, 1, 2)
    path = tmp_path / "square8_2p" / "open" / f"{WORKER}.jsonl"
    assert path.read_bytes().count(b"\n") == 2
    assert count(path).records == 2


def test_without_games_nothing_stays(tmp_path: Path) -> None:
    Clock().journal(tmp_path).close()
    assert files_in(tmp_path) == []


def test_age_seals(tmp_path: Path) -> None:
    clock = Clock()
    journal = clock.journal(tmp_path, seal_s=300)
    clock.since = 1000.0
    fill(journal, 1)
    clock.since = 1299.0
    journal.tick()
    assert journal.sealed == 0
    clock.since = 1300.0
    journal.tick()
    assert journal.sealed == 1
    clock.since = 9999.0
    journal.tick()
    assert len(journal.shards) == 1
    fill(journal, 2)
    clock.since += 400.0
    fill(journal, 3)
    assert journal.sealed == 3


def test_a_group_is_durable_by_number_or_age(tmp_path: Path) -> None:
    clock = Clock()
    journal = clock.journal(tmp_path, fsync="group:3,2")
    fill(journal, 1, 2)
    assert journal.durable == 0
    fill(journal, 3)
    assert journal.durable == 3
    fill(journal, 4)
    journal.tick()
    assert journal.durable == 3
    clock.since = 2.0
    journal.tick()
    assert journal.durable == 4


def test_none_is_durable_when_sealed(tmp_path: Path) -> None:
    journal = Clock().journal(tmp_path, fsync="none")
    fill(journal, 1, 2)
    journal.tick()
    assert journal.durable == 0
    journal.seal()
    assert (journal.durable, journal.sealed) == (2, 2)


@pytest.mark.parametrize("text", ["", "games", "group", "group:0,1", "group:5", "group:1,inf", "group:1,nan"])  # fmt: skip
def test_another_policy_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured, match="group:N,S"):
        Policy.parse(text)


def test_a_second_writer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "PATIENCE_S", 0.1)
    journal = Clock().journal(tmp_path, seal_games=2)
    for seed in range(3):
        with pytest.raises(WriterExists):
            Clock().journal(tmp_path)
        fill(journal, seed)
    assert recover(tmp_path).recovered == 0
    code = f"""
from pathlib import Path
from workers.records import Journal, claim
claim.PATIENCE_S = 0.1
Journal(Path({str(tmp_path)!r}), {BOARD!r}, {PLAYERS}, {WORKER!r})
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert "WriterExists" in done.stderr
    journal.close()
    assert seeds_in(tmp_path) == [0, 1, 2]


def test_who_recovers_it_is_waited_for(tmp_path: Path) -> None:
    first = Clock().journal(tmp_path)
    fill(first, 1)
    threading.Timer(0.3, first.close).start()
    second = Clock().journal(tmp_path)
    fill(second, 2)
    second.close()
    assert seeds_in(tmp_path) == [1, 2]


def test_a_journal_of_its_own_name_is_recovered(tmp_path: Path) -> None:
    first = Clock().journal(tmp_path)
    fill(first, 1, 2)
    first._claim.let_go()  # as a death does
    second = Clock().journal(tmp_path)
    assert str(second.recovered) == "recovered 2, torn 0"
    fill(second, 3)
    second.close()
    assert seeds_in(tmp_path) == [1, 2, 3]


@pytest.mark.parametrize("jump_s", [-86400 * 400, -5, 0, 86400])
def test_a_clock_that_jumps_breaks_no_name_and_no_order(tmp_path: Path, jump_s: int) -> None:
    clock = Clock()
    journal = clock.journal(tmp_path, seal_games=2)
    fill(journal, 0, 1)
    clock.now += jump_s
    fill(journal, 2, 3, 4)
    journal._claim.let_go()
    recover(tmp_path, clock=lambda: clock.now)
    again = clock.journal(tmp_path, seal_games=2)
    fill(again, 5, 6)
    again.close()
    assert seeds_in(tmp_path) == list(range(7))
    assert len({shard.sequence for shard in list_shards(tmp_path)}) == 4


def test_a_clock_before_all_times(tmp_path: Path) -> None:
    journal = Clock(-5.0).journal(tmp_path)
    fill(journal, 1)
    journal.close()
    assert seeds_in(tmp_path) == [1]


def test_a_game_that_no_game_can_be_is_not_taken(tmp_path: Path) -> None:
    journal = Clock().journal(tmp_path)
    for change in ({"seed": -1}, {"board": "hex8"}, {"players": 3}):
        with pytest.raises(ValueError):
            journal.append(game(1)._replace(**change))
    journal.close()
    assert (journal.produced, files_in(tmp_path)) == (0, [])


def test_a_removed_folder_loses_no_open_game(tmp_path: Path) -> None:
    journal = Clock().journal(tmp_path)
    fill(journal, 1, 2)
    shutil.rmtree(tmp_path / "square8_2p")
    fill(journal, 3)
    journal.tick()
    journal.close()
    assert seeds_in(tmp_path) == [1, 2, 3]


def test_a_moved_folder_has_no_game_twice(tmp_path: Path) -> None:
    journal = Clock().journal(tmp_path / "out")
    fill(journal, 1, 2)
    os.rename(tmp_path / "out", tmp_path / "moved")
    fill(journal, 3)
    journal.close()
    recover(tmp_path)
    assert seeds_in(tmp_path) == [1, 2, 3]


def test_a_journal_that_somebody_cut_is_seen(tmp_path: Path) -> None:
    journal = Clock().journal(tmp_path)
    fill(journal, 1, 2, 3)
    path = tmp_path / "square8_2p" / "open" / f"{WORKER}.jsonl"
    os.truncate(path, path.stat().st_size // 2)
    journal.close()
    assert (journal.sealed, journal.durable, journal.damaged) == (1, 1, 2)
    assert seeds_in(tmp_path) == [1]


class Faulty:
    """A call of `os` that fails once: when it is made the n-th time from now."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, number: int = errno.EIO) -> None:
        self.when = 0
        real = getattr(os, name)

        def call(*arguments: object, **options: object) -> object:
            self.when -= 1
            if self.when == 0:
                raise OSError(number, os.strerror(number))
            return real(*arguments, **options)

        monkeypatch.setattr(os, name, call)


@pytest.mark.parametrize("policy", ["game", "group:2,60"])
@pytest.mark.parametrize("name", ["fsync", "write"])
def test_an_append_that_failed_took_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, policy: str
) -> None:
    fault = Faulty(monkeypatch, name)
    journal = Clock().journal(tmp_path, fsync=policy)
    fill(journal, 1, 2, 3)
    fault.when = 1
    with pytest.raises(OSError, match="Input/output"):
        journal.append(game(4))
    assert journal.produced == 3
    fill(journal, 4, 5)
    journal.close()
    assert journal.durable == 5
    assert seeds_in(tmp_path) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["fsync", "write", "rename", "open", "stat", "mkdir"])
def test_a_seal_that_failed_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    fault = Faulty(monkeypatch, name, errno.ENOSPC)
    failed = 0
    for when in range(1, 9):
        out = tmp_path / str(when)
        journal = Clock().journal(out, seal_games=4)
        fill(journal, 1, 2)
        fault.when = when
        try:
            journal.seal()
        except OSError:
            failed += 1
        fault.when = 0
        fill(journal, 3, 4, 5, 6)
        journal.close()
        assert (journal.produced, journal.sealed, journal.damaged) == (6, 6, 0)
        assert seeds_in(out) == [1, 2, 3, 4, 5, 6]
        assert files_in(out / "square8_2p" / "open") == []
    assert failed


@pytest.mark.parametrize("name", ["fsync", "write", "rename", "open", "stat", "unlink"])
def test_a_close_that_failed_is_recovered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    fault = Faulty(monkeypatch, name, errno.ENOSPC)
    for when in range(1, 9):
        out = tmp_path / str(when)
        journal = Clock().journal(out)
        fill(journal, 1, 2)
        fault.when = when
        try:
            journal.close()
        except OSError:
            pass
        fault.when = 0
        recover(out)
        assert seeds_in(out) == [1, 2]
