"""The verbs for workers on this machine's real agent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console.operations.waiting import is_over
from console.operations.workers import StartRequest
from console.runtime import Runtime
from tests.running import runs_below, sweep
from tests.runtimes import runtime_of, settings_file, until, up

PRESETS = """
nodes: [local]
retention: {runs: 2}
presets:
  - name: greet
    command: [python, -c, "import os, json; print(os.environ['WHO'], os.environ.get('SSH_CONNECTION'), os.environ['OMP_NUM_THREADS'], os.getcwd())"]
    directory: here
    environment: {WHO: {from_file: ~/who}}
    python: [no-such-venv, python3]
    needs: [json]
    threads: 3
  - {name: roll, command: [sleep, "600"], copies: 3}
"""


@pytest.fixture
async def here(home: Path) -> AsyncIterator[Runtime]:
    settings_file(home, PRESETS)
    try:
        async with runtime_of(home) as running:
            await up(running)
            yield running
    finally:
        sweep(home)


async def ended(runtime: Runtime, request: StartRequest) -> str:
    """The id of a run that was started and is over."""
    plan = await runtime.workers.check(runtime.workers.plan(request))
    assert plan.ok, plan.refusals
    (outcome,) = await runtime.workers.start(plan)
    assert outcome.done, outcome
    (over,) = await runtime.workers.wait([outcome.key], is_over, 20.0)
    assert over.done, over
    return outcome.run_id


async def test_a_preset_reaches_its_process_as_it_was_written(here: Runtime, home: Path) -> None:
    (home / "here").mkdir()
    (home / "who").write_text("lovelace\nnot this line\n")
    plan = await here.workers.check(here.workers.plan(StartRequest(preset="greet")))
    assert any("no-such-venv" in warning for warning in plan.warnings)
    assert "lovelace" not in str(plan)
    run_id = await ended(here, StartRequest(preset="greet"))
    (said,) = await here.commands.begin(["local"], ["sh", "-c", f"cat ~/.local/state/quarterdeck/nodes/*/runs/{run_id}/attempt-0001/out.log"]).wait()  # fmt: skip
    assert said.lines == [f"lovelace None 3 {home}/here"]


async def test_a_node_keeps_as_many_runs_as_the_settings_say(here: Runtime) -> None:
    runs = [
        await ended(here, StartRequest(("local",), command=("true",), name="w")) for _ in range(4)
    ]

    # Old ones go when one is started: beside the two there may be that one, ended since.
    def left() -> set[int]:
        return {runs.index(view.record.run_id) for view in here.store.workers(earlier=True)}

    await until(lambda: 0 not in left())
    assert left() >= {2, 3}


async def test_a_rolling_restart_of_real_workers(here: Runtime, home: Path) -> None:
    plan = here.workers.plan(StartRequest(preset="roll"))
    assert all(outcome.done for outcome in await here.workers.start(plan))
    await until(lambda: len([v for v in here.store.workers() if v.record.state == "running"]) == 3)
    before = set(runs_below(home))
    targets = here.workers.find(["roll-*"])
    outcomes = await here.workers.act(targets, "restart", batch=2, grace_s=5.0)
    assert [outcome.done for outcome in outcomes] == [True] * 3, outcomes
    after = set(runs_below(home))
    assert len(after) == 3
    assert not before & after
    await here.workers.act(here.workers.find(["roll-*"]), "stop")
    over = await here.workers.wait(targets, is_over, 20.0)
    assert all(outcome.done for outcome in over)
    assert not runs_below(home)
