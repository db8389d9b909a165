"""The schedule keeps its promises over lives, jumps of the clock, locks and damage; and once as a real worker."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from console.conduct import memory
from console.conduct.telling import Telling
from console.conduct.timekeeper import Timekeeper
from console.errors import LinkError, UsageError
from console.fleet.model import Problem, ProblemKind
from console.fleet.workers import WorkerView
from console.operations.outcomes import Outcome, Verdict
from tests.conduct.conftest import Desk
from tests.runtimes import until
from workers.protocol import WorkerRecord

SETTINGS = """
nodes: [local]
jobs:
  - {name: tick, kind: command, command: [sh, -c, "echo tick >> @HOME@/ticks; sleep 0.3"], schedule: "*/4 * * * * *"}
  - {name: never, kind: command, command: ["true"]}
"""
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc).timestamp()


@dataclass
class Jobs:
    """What stands in for the verbs of jobs: starts are noted, and live until they are ended."""

    schedules: dict[str, str]
    started: list[str] = field(default_factory=list)
    live: list[WorkerView] = field(default_factory=list)
    verdict: Verdict = Verdict.DONE
    error: Exception | None = None
    dies: bool = False

    def definitions(self) -> list[Any]:
        return [SimpleNamespace(name=n, schedule=s) for n, s in self.schedules.items()]

    def runs(self, name: str) -> list[WorkerView]:
        return [view for view in self.live if view.name == name]

    async def plan(self, name: str) -> Any:
        if self.error is not None:
            raise self.error
        run_id = f"{len(self.started):032x}"
        return SimpleNamespace(
            name=name, ok=True, refusals=(), node="local", spec=SimpleNamespace(run_id=run_id)
        )

    async def start(self, plan: Any) -> Outcome:
        if self.verdict is Verdict.DONE:
            self.started.append(plan.name)
            record = WorkerRecord(plan.spec.run_id, plan.name, "running", kind="job")
            self.live.insert(0, WorkerView("local", record))
        if self.dies:
            raise asyncio.CancelledError
        return Outcome("local", plan.name, self.verdict, "lock data is held", plan.spec.run_id)

    def end(self) -> None:
        self.live = [
            WorkerView(v.node, v.record._replace(state="exited", exit_code=0)) for v in self.live
        ]


class World:
    def __init__(self, folder: Path, **schedules: str) -> None:
        self.file = folder / "state" / "schedule.json"
        self.jobs = Jobs(schedules)
        self.now = NOON + 60
        self.begin()

    def begin(self) -> None:
        """Another life of the schedule."""
        conductor: Any = SimpleNamespace(
            runtime=SimpleNamespace(jobs=self.jobs, read_only=False), telling=Telling("job")
        )
        self.telling = conductor.telling
        self.keeper = Timekeeper(conductor, self.file, lambda: self.now, lambda: timezone.utc)
        self.keeper.recall()

    async def at(self, hours: float) -> list[str]:
        """What is started by a look so many hours after noon."""
        self.now = NOON + hours * 3600
        before = len(self.jobs.started)
        await self.keeper.turn()
        return self.jobs.started[before:]

    @property
    def kept(self) -> memory.Kept:
        return memory.read(self.file).jobs["j"]


@pytest.fixture
async def world(tmp_path: Path) -> World:
    found = World(tmp_path, j="0 * * * *")
    await found.keeper.turn()
    return found


async def test_on_time_and_once(world: World) -> None:
    assert await world.at(0.9) == []
    assert await world.at(1.0) == ["j"]
    world.jobs.end()
    assert await world.at(1.01) == []
    assert await world.at(2.0) == ["j"]


async def test_what_was_missed_is_run_once_and_said(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.begin()
    assert await world.at(5.5) == ["j"]
    assert "was missed at Sun 22 Nov 17:00 and 4 more before it; it is run once now" in capsys.readouterr().out  # fmt: skip
    world.jobs.end()
    assert await world.at(5.6) == []


async def test_never_two_of_the_same(world: World) -> None:
    assert await world.at(1.0) == ["j"]
    assert await world.at(2.0) == []
    assert world.kept.said.startswith("not started at Sun 22 Nov 14:00: its last run is not over")
    world.jobs.end()
    assert await world.at(3.0) == ["j"]


async def test_a_lock_is_waited_for(world: World) -> None:
    world.jobs.verdict = Verdict.REFUSED
    assert await world.at(1.0) == []
    assert world.kept.said == "waits: lock data is held"
    world.begin()
    world.jobs.verdict = Verdict.DONE
    assert await world.at(1.1) == ["j"]


async def test_a_death_after_the_start_starts_nothing_twice(world: World) -> None:
    world.jobs.dies = True
    with pytest.raises(asyncio.CancelledError):
        await world.at(1.0)
    world.jobs.dies = False
    world.jobs.end()
    world.begin()
    assert await world.at(1.1) == []
    assert world.kept.due is None


async def test_a_death_before_the_start_loses_nothing(world: World) -> None:
    world.jobs.error = asyncio.CancelledError()  # type: ignore[assignment]
    with pytest.raises(asyncio.CancelledError):
        await world.at(1.0)
    world.jobs.error = None
    world.begin()
    assert await world.at(1.1) == ["j"]


async def test_what_cannot_be_planned_is_said_and_not_tried_for_ever(world: World) -> None:
    world.jobs.error = UsageError("no such node")
    assert await world.at(1.0) == []
    assert world.kept.said == "not started: no such node"
    world.jobs.error = None
    assert await world.at(1.1) == []
    assert await world.at(2.0) == ["j"]


async def test_nodes_that_are_away_are_waited_for(world: World) -> None:
    world.jobs.error = LinkError(Problem(ProblemKind.UNREACHABLE, "h1 is away"))
    assert await world.at(1.0) == []
    world.jobs.error = None
    assert await world.at(1.1) == ["j"]


async def test_another_schedule_begins_anew(world: World) -> None:
    world.jobs.schedules["j"] = "*/5 * * * *"
    assert await world.at(1.51) == []
    assert await world.at(1.6) == ["j"]


async def test_a_damaged_memory_is_said(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.file.write_text('{"schema": 1, "jobs": {"j": 7}}')
    world.begin()
    assert "cannot be read and begins anew" in capsys.readouterr().out
    assert await world.at(1.5) == []
    assert await world.at(2.0) == ["j"]


async def test_what_cannot_be_remembered_is_not_begun(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(memory, "write", full)
        assert await world.at(1.0) == []
    assert await world.at(1.1) == ["j"]


async def test_it_says_what_comes_next(world: World) -> None:
    await world.at(1.0)
    known = world.telling._known
    assert known["message"] == "next: j, Sun 22 Nov 14:00"


async def test_a_real_one_needs_no_console(desk: Desk) -> None:
    """A worker with a supervisor; it comes back when it is killed, and ends when it is stopped."""
    assert (await desk.runtime.jobs.start_schedule()).done
    ticks = desk.home / "ticks"
    await until(lambda: ticks.exists() and len(ticks.read_text().split()) >= 2, 60)
    found = desk.runtime.jobs.schedule()
    assert found is not None
    assert found.live
    kept = json.loads((desk.home / ".local/state/quarterdeck/console/schedule.json").read_text())
    assert {*kept["jobs"]} == {"tick"}
    await desk.runtime.workers.act([found.key], "stop")
    await until(lambda: not desk.runtime.jobs.schedule().live, 30)  # type: ignore[union-attr]
    await until(lambda: not any(v.live for v in desk.views()), 30)
    over = len(ticks.read_text().split())
    runs = [v for v in desk.views() if v.name == "tick"]
    assert len(runs) == over
    said = [
        (
            v.record.exit_code,
            v.record.signal,
            v.record.error,
            v.record.state,
            desk.said(v.record.run_id),
        )
        for v in runs
        if v.record.exit_code != 0
    ]
    assert not said
