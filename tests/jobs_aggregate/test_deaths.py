"""Merges that are killed at random while copies grow and come: in the end every record is there once."""

from __future__ import annotations

import gzip
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.agents import ROOT
from tests.jobs_aggregate.world import World, lines_of, text_of
from tests.records.games import game
from workers.records import encode_line


class Growing:
    """Three nodes' copies, a little more at each turn; some records are on several nodes."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.texts: dict[str, bytes] = {}
        self.expected: set[bytes] = set()
        self._next = 0

    def more(self) -> None:
        node = self.chance.choice("abc")
        first = max(0, self._next - self.chance.randrange(20))
        numbers = range(first, self._next + self.chance.randrange(1, 60))
        self._next = numbers[-1] + 1
        if self.chance.random() < 0.3:
            records = [encode_line(game(n))[:-1] for n in numbers]
            self.world.copy(node, f"{self._next}.jsonl.gz", gzip.compress(text_of(records)))
        else:
            records = lines_of(*numbers)
            self.texts[node] = self.texts.get(node, b"") + text_of(records)
            self.world.copy(node, "grows.jsonl", self.texts[node])
        self.expected |= set(records)


def lose_none(folder: Path, deaths: int) -> int:
    chance = random.Random(deaths)
    world = World(folder / "D")
    growing = Growing(world, chance)
    killed = 0
    for _ in range(deaths):
        for _ in range(chance.randrange(1, 5)):
            growing.more()
        process = subprocess.Popen(
            [sys.executable, "-B", "-m", "tests.jobs_aggregate.child", str(world.root), "2000"],
            cwd=ROOT, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(chance.uniform(0.3, 2.5))
        process.kill()
        killed += process.wait() != 0
        generations = {manifest["generation"] for manifest in world.manifests}
        assert {entry.generation for entry in world.entries()} <= generations
    world.merge()
    assert set(world.lines()) == growing.expected
    assert world.merge() == []
    return killed


def test_a_few_deaths(tmp_path: Path) -> None:
    assert lose_none(tmp_path, 2) <= 2


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_hundred_deaths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    killed = lose_none(tmp_path, 100)
    with capsys.disabled():
        print(f" {killed} of 100 merges were killed ", end="")
    assert killed > 10
