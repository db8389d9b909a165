"""A console on this machine's real agent, whose jobs are real supervised runs of consoles without a screen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from console.fleet.workers import WorkerView
from console.runtime import Runtime
from tests.running import sweep
from tests.runtimes import runtime_of, settings_file, until, up


class Desk:
    """One console, and what its jobs said."""

    def __init__(self, runtime: Runtime, home: Path) -> None:
        self.runtime = runtime
        self.home = home

    async def start(self, name: str) -> str:
        """The id of the run; its plan stood against nothing."""
        plan = await self.runtime.jobs.plan(name)
        assert plan.ok, plan.refusals
        outcome = await self.runtime.jobs.start(plan)
        assert outcome.done, outcome
        return outcome.run_id

    async def ran(self, name: str) -> WorkerView:
        """The run of a job, from its start to its end."""
        run_id = await self.start(name)
        return await self.over(run_id)

    async def over(self, run_id: str) -> WorkerView:
        return await until(lambda: next((v for v in self.views() if v.record.run_id == run_id and not v.live), None), 40)  # fmt: skip

    def views(self) -> list[WorkerView]:
        return list(self.runtime.store.workers_of("local", earlier=True))

    def status(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.attempt(run_id) / "status.json").read_text())
        return found

    def parts(self, run_id: str) -> dict[str, tuple[str, str]]:
        return {p["name"]: (p["state"], p.get("message", "")) for p in self.status(run_id)["extra"]["parts"]}  # fmt: skip

    def attempt(self, run_id: str) -> Path:
        (folder,) = self.home.glob(f".local/state/quarterdeck/nodes/*/runs/{run_id}/attempt-0001")
        return folder

    def said(self, run_id: str) -> str:
        folder = self.attempt(run_id)
        return (folder / "out.log").read_text() + (folder / "err.log").read_text()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "TZ"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
async def desk(home: Path, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """`SETTINGS` of the module holds, with @HOME@ for the home."""
    settings_file(home, request.module.SETTINGS.replace("@HOME@", str(home)))
    try:
        async with runtime_of(home) as runtime:
            await up(runtime)
            yield Desk(runtime, home)
    finally:
        sweep(home)
