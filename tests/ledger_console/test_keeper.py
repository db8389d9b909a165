"""When the ledger is looked at without being asked."""

from __future__ import annotations

import asyncio

import pytest

from console.operations.ledger import keeper
from console.operations.ledger.keeper import keep_ledger
from console.sessions.clock import SYSTEM_CLOCK
from tests.fleet.crews import Crews, record
from tests.runtimes import until
from workers.protocol import DatasetCount, DatasetWatch


class Looks:
    def __init__(self) -> None:
        self.count = 0

    async def refresh(self) -> None:
        self.count += 1


def fleet() -> Crews:
    world = Crews()
    world.add("a", datasets=(DatasetWatch("d", ("d/*",), "lines"),))
    world.up("a")
    world.count("a", DatasetCount("d", 1, 1, 1))
    return world


async def test_a_job_that_ended_is_looked_at_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeper, "AFTER_JOB_S", 0.0)
    world, looks = fleet(), Looks()
    old = record("sync", kind="job", run_id="1", state="exited", exit_code=0)
    world.report("a", old)
    keeping = asyncio.create_task(keep_ledger(looks, world.store, SYSTEM_CLOCK))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    world.report("a", old)
    world.report("a", old, record("play"), record("sync", kind="job", run_id="2"))
    world.report(
        "a",
        old,
        record("play", state="exited", exit_code=0),
        record("sync", kind="job", run_id="2"),
    )
    for _ in range(20):
        await asyncio.sleep(0)
    assert looks.count == 0, "neither a run of before nor a worker is a job that ended"
    done = record("sync", kind="job", run_id="2", state="exited", exit_code=1)
    world.report("a", old, done)
    await until(lambda: looks.count == 1)
    world.report(
        "a", old, done, record("quick", kind="job", run_id="3", state="exited", exit_code=0)
    )
    await until(lambda: looks.count == 2)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_now_and_then_but_not_without_any_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "FIRST_S", 0.0)
    monkeypatch.setattr(keeper, "EVERY_S", 0.01)
    world, looks = fleet(), Looks()
    world.count("a", DatasetCount("d", 0, 0, 0))
    keeping = asyncio.create_task(keep_ledger(looks, world.store, SYSTEM_CLOCK))  # type: ignore[arg-type]
    await asyncio.sleep(0.1)
    assert looks.count == 0
    world.count("a", DatasetCount("d", 1, 1, 1))
    await until(lambda: looks.count >= 3)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
