"""The JSON of scripts stays what it was: compared with files that must hold for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.cli import shapes
from console.fleet.model import ProblemKind
from console.fleet.totals import data_rows, totals
from tests.fleet.world import World, disk, gpu, sample
from workers.protocol import COUNTING, DatasetCount, DatasetWatch, GpuReport

GOLDEN = Path(__file__).parent / "shapes"
WATCHES = (DatasetWatch("d", ("d/*",), "lines"), DatasetWatch("e", ("e/*",), "lines"))


@pytest.fixture
def world() -> World:
    world = World()
    world.add("gpu-1", datasets=WATCHES)
    world.add("gpu-2")
    world.up("gpu-1", hostname="gpu-1")
    world.show("gpu-1", sample(disks=(disk(),), gpu=GpuReport((gpu(),)), process_count=321))
    counts = (DatasetCount("d", 2, 30, 90, world.clock), DatasetCount("e", reason=COUNTING))
    world.count("gpu-1", *counts)
    world.lose("gpu-2", ProblemKind.REFUSED, "10.0.0.2:22: connection refused")
    world.at += 0.5
    world.tick()
    return world


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_status(world: World) -> None:
    shown = shapes.status(world.store.nodes.values(), world.store.alerts, world.store.now)
    assert plain(shown) == golden("status")


def test_data(world: World) -> None:
    nodes = [world.node("gpu-1")]
    rows = data_rows(nodes, world.store.history, world.store.now)
    assert plain(shapes.data(rows, totals(rows))) == golden("data")


def test_alerts(world: World) -> None:
    assert plain(shapes.alerts(world.store.alerts)) == golden("alerts")


def test_the_word_for_a_count_that_goes_on_is_the_agents() -> None:
    from workers.agent.data.tally import COUNTING as said

    assert said == COUNTING
