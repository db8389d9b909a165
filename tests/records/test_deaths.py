"""Workers that are killed at random, start again under their names, and recover what any of them left."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.agents import ROOT
from tests.records.games import seeds_in
from workers.records import count, recover

WORKERS = ("a", "b", "c")


class Life:
    """From a start to a kill."""

    def __init__(self, out: Path, worker: str, first: int) -> None:
        self._first = first
        argv = [sys.executable, "-B", "-m", "tests.records.child", "live", out, worker, first, "7"]
        self._child = subprocess.Popen(
            list(map(str, argv)), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )  # fmt: skip

    def end(self) -> set[int]:
        """The seeds whose games were durable."""
        self._child.kill()
        said, errors = self._child.communicate(timeout=30)
        assert errors == ""
        told = [int(line.split()[1]) for line in said.splitlines() if line.startswith("durable ")]
        return set(range(self._first, self._first + max(told, default=0)))


def lose_none(out: Path, deaths: int) -> int:
    chance = random.Random(deaths)
    lives = {worker: Life(out, worker, place * 10**8) for place, worker in enumerate(WORKERS)}
    durable: set[int] = set()
    for number in range(1, deaths + 1):
        time.sleep(chance.uniform(0.05, 0.5))
        worker = chance.choice(WORKERS)
        durable |= lives[worker].end()
        lives[worker] = Life(out, worker, WORKERS.index(worker) * 10**8 + number * 10**5)
    for life in lives.values():
        durable |= life.end()
    recover(out)
    seeds = seeds_in(out)
    assert len(seeds) == len(set(seeds))
    assert durable <= set(seeds)
    assert count(out).records == len(seeds)
    assert count(out).journals == 0
    return len(durable)


def test_a_few_deaths(tmp_path: Path) -> None:
    assert lose_none(tmp_path, 6) > 0


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_hundred_deaths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    durable = lose_none(tmp_path, 100)
    with capsys.disabled():
        print(f" 100 deaths, {durable} durable games, each there once ", end="")
