"""Commands as jobs, and jobs in turn: real runs under a supervisor."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conduct.conftest import Desk
from tests.running import runs_below
from tests.runtimes import until

SETTINGS = """
nodes: [local]
jobs:
  - {name: greet, kind: command, command: [sh, -c, "echo hello; echo oh >&2; pwd"], directory: here}
  - {name: bad, kind: command, command: [sh, -c, "exit 7"]}
  - {name: nap, kind: command, command: [sleep, "600"]}
  - {name: words, kind: command, command: [printf, "%s\\n", "a b", "$HOME", "; rm -rf /"]}
  - {name: broken, kind: pipeline, steps: [greet, bad, words]}
  - {name: sleepy, kind: pipeline, steps: [nap, greet]}
"""


async def test_a_command_is_collected_node_by_node(desk: Desk) -> None:
    (desk.home / "here").mkdir()
    runs = {name: await desk.start(name) for name in ("greet", "words", "bad")}
    views = {name: await desk.over(run_id) for name, run_id in runs.items()}
    said = {name: desk.said(run_id).splitlines() for name, run_id in runs.items()}
    codes = {name: view.record.exit_code for name, view in views.items()}
    assert codes == {"greet": 0, "words": 0, "bad": 1}, said
    assert {"local | hello", "local | oh", f"local | {desk.home}/here"} <= {*said["greet"]}
    # Words stay words.
    assert said["words"][:3] == ["local | a b", "local | $HOME", "local | ; rm -rf /"]
    assert desk.parts(runs["greet"]) == {"local": ("done", "exited 0")}
    assert desk.parts(runs["bad"]) == {"local": ("failed", "exit 7")}
    progress = views["greet"].record.progress
    assert progress is not None
    assert progress.parts[0].state == "done"


async def test_a_stop_ends_it_on_the_node_too(desk: Desk) -> None:
    run_id = await desk.start("nap")
    await until(lambda: len(runs_below(desk.home)) >= 2)
    target = desk.runtime.jobs.find("nap")
    assert (await desk.runtime.jobs.cancel(target)).done
    view = await desk.over(run_id)
    assert view.record.state == "stopped"
    await until(lambda: not runs_below(desk.home))


async def test_the_first_failure_ends_it(desk: Desk) -> None:
    (desk.home / "here").mkdir()
    view = await desk.ran("broken")
    run_id = view.record.run_id
    assert view.record.exit_code == 1
    states = {name: state for name, (state, _) in desk.parts(run_id).items()}
    runs = {v.name: v.record.started_at for v in desk.views()}
    assert runs["greet"] < runs["bad"]
    assert states == {"greet": "done", "bad": "failed", "words": "skipped"}
    status = desk.status(run_id)
    assert status["phase"] == "partial"
    assert "bad failed" in status["message"]
    assert status["message"].endswith("not begun: words")
    assert "words" not in {v.name for v in desk.views()}


@pytest.mark.long
async def test_a_stop_cancels_the_step(desk: Desk) -> None:
    run_id = await desk.start("sleepy")
    await until(lambda: any(v.name == "nap" and v.record.state == "running" for v in desk.views()))
    await desk.runtime.jobs.cancel(desk.runtime.jobs.find("sleepy"))
    assert (await desk.over(run_id)).record.state == "stopped"
    await until(lambda: not runs_below(desk.home))


async def test_plans_name_the_exact_commands(desk: Desk) -> None:
    plan = await desk.runtime.jobs.plan("words")
    assert plan.hosts[0].commands == (("printf", "%s\n", "a b", "$HOME", "; rm -rf /"),)
    plan = await desk.runtime.jobs.plan("broken")
    assert [host.name for host in plan.hosts] == ["greet", "bad", "words"]
    assert any("after one that failed" in text for text in plan.never)


def test_orders_that_are_none() -> None:
    for words, why in (
        (["command"], "no orders"),
        (["command", "--document", "/no/such"], "cannot be read"),
        (["dance"], "invalid choice"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "console.conduct", *words], capture_output=True, text=True
        )
        assert (done.returncode, why in done.stderr) == (4, True), done.stderr
