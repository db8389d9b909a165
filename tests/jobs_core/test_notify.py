"""Who is told how a job ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.operations.jobs import operations
from console.operations.jobs.schedule import schedule_spec
from console.operations.outcomes import Target
from console.operations.waiting import is_over
from console.runtime import Runtime
from tests.jobs_core.conftest import SETTINGS
from tests.runtimes import runtime_of, settings_file, until, up
from workers.protocol import WorkerSpec

PARTIAL = "say('partial', **{'gpu-1': 'done', 'gpu-2': 'failed'}); sys.exit(1)"


async def ended(runtime: Runtime, name: str) -> None:
    plan = await runtime.jobs.plan(name)
    assert (await runtime.jobs.start(plan)).done
    target = Target(plan.node, plan.spec.run_id, plan.name)
    await runtime.workers.wait([target], is_over, 20.0)


async def test_always_failed_or_never(home: Path, work: Callable[[str], None]) -> None:
    heard = home / "heard"
    settings_file(
        home,
        f"{SETTINGS}"
        f"  - {{name: loud, kind: sync, notify: always}}\n  - {{name: mute, kind: sync, notify: never}}\n"
        f"notify: {{command: [sh, -c, 'cat >> {heard}; echo >> {heard}'], kinds: [worker_exited_badly]}}\n",
    )

    def told() -> list[dict[str, Any]]:
        return (
            [json.loads(line) for line in heard.read_text().splitlines()] if heard.exists() else []
        )

    async with runtime_of(home) as running:
        await up(running)
        work("say('done', **{'gpu-1': 'done'}); time.sleep(0.3)")
        await ended(running, "quick")
        await ended(running, "loud")
        await until(lambda: told())
        assert [(one["event"], one["job"]["name"]) for one in told()] == [("done", "loud")]
        work("time.sleep(0.3);" + PARTIAL)
        await ended(running, "mute")
        await ended(running, "quick")
        await until(lambda: len(told()) == 2)
        assert [one.get("alert", {}).get("subject") for one in told()] == [None, "quick"]


async def test_the_schedule_tells_where_it_runs_and_a_console_is_silent_then(
    home: Path, work: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = home / "heard"
    loud = "  - {name: loud, kind: sync, notify: always}\n"
    settings_file(
        home,
        f"{SETTINGS}{loud}notify: {{command: [sh, -c, 'cat >> {heard}'], kinds: [worker_exited_badly]}}\n",
    )

    def as_schedule(run: str, by: str, config: str | None) -> WorkerSpec:
        command = ("sh", "-c", "sleep 60", "console.conduct")
        return schedule_spec(run, by, config)._replace(command=command, interpreters=())

    monkeypatch.setattr(operations, "schedule_spec", as_schedule)
    work("say('done', **{'gpu-1': 'done'}); time.sleep(0.3)")
    async with runtime_of(home) as console:
        await up(console)
        assert (await console.jobs.start_schedule()).done
        await ended(console, "loud")
        await asyncio.sleep(0.2)
        assert not heard.exists()
    async with runtime_of(home, notify="jobs", keep=False) as alone:
        await up(alone)
        await ended(alone, "loud")
        await until(lambda: heard.exists() and heard.read_text())
    assert [json.loads(line)["event"] for line in heard.read_text().splitlines()] == ["done"]
