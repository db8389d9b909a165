"""The menu behind `b` and the dialog that shows a plan: nothing starts before it stands there and Enter is pressed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from console.errors import UsageError
from console.operations.jobs import JobPlan
from console.ui.modals.job_plan import JobPlanModal
from tests.ui_details.consoles import screen_text, until
from tests.ui_jobs.screens import demo, on_jobs, says, states, toasts


async def test_the_menu_says_how_each_kind_fares_and_opens_its_plan() -> None:
    async with demo() as pilot:
        await pilot.press("b")
        await says(
            pilot, "s  Sync", "runs for 11 min, next in", "a  Aggregate", "done 41 min ago",
            "t  Train pipeline", "1  driver-versions", "2  clean-tmp",
        )  # fmt: skip
        await pilot.press("a")
        text = await says(pilot, "Plan of aggregate", "never: count a record twice")
        assert "s  Sync" not in text
        await pilot.press("escape", "b", "2")
        await says(
            pilot, "Plan of clean-tmp", "$ find scratch -name 'selfplay-*' -mtime +7 -delete"
        )


async def test_the_plan_names_nodes_files_bytes_commands_and_what_never_happens() -> None:
    async with demo() as pilot:
        await pilot.press("b", "s")
        await says(
            pilot, "Plan of sync", "files", "on 2 nodes", "never: delete anything", "gpu-1", "$ rsync",
            "--checksum", "runs on home", "python -m workers.jobs sync", "Enter starts it",
        )  # fmt: skip
        await pilot.press("right")
        await says(pilot, "Plan of sync-models", "sends data/models")


async def test_a_started_job_stands_among_those_that_run() -> None:
    async with demo() as pilot:
        await pilot.press("b", "s", "right")
        await says(pilot, "Plan of sync-models", "Enter starts it")
        assert states(pilot, "sync-models") == []
        await pilot.press("enter")
        await until(pilot, lambda: states(pilot, "sync-models") == ["running"], "the run")
        await until(pilot, lambda: "sync-models started on home" in toasts(pilot), "the word of it")
        await until(pilot, lambda: not isinstance(pilot.app.screen, JobPlanModal), "its end")
        await on_jobs(pilot, "job:sync-models")
        await says(pilot, "1 running", "gpu-1")


async def test_what_cannot_be_started_says_why_and_stays() -> None:
    async with demo() as pilot:
        await pilot.press("b", "s")
        await says(pilot, "Enter starts it")
        await pilot.press("enter")
        await says(pilot, "It was not started", "sync runs already")
        assert len(states(pilot, "sync")) == 3
        await pilot.press("ctrl+r")
        await says(pilot, "Enter starts it")


async def test_marked_nodes_are_the_only_sources() -> None:
    async with demo() as pilot:
        await pilot.press("j", "b")
        await says(pilot, "s  Sync")
        await pilot.press("escape", "space", "b")
        await says(pilot, "only from the marked: gpu-2")
        await pilot.press("s")
        text = await says(pilot, "Plan of sync, only gpu-2", "on 1 node")
        assert "gpu-1:run" not in text
        await pilot.press("escape", "escape", "g", "space", "b", "s")
        await says(pilot, "home: not a source of job sync")
        await pilot.press("enter")
        await says(pilot, "it has no plan")


class Waiting:
    """A plan that comes when it is let go."""

    def __init__(self, then: Any) -> None:
        self.go = asyncio.Event()
        self._then = then

    async def __call__(self, name: str, nodes: Sequence[str] | None = None) -> JobPlan:
        await self.go.wait()
        found: JobPlan = await self._then(name, nodes)
        return found


async def test_nothing_starts_before_its_plan_stands_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with demo() as pilot:
        jobs = pilot.app.runtime.jobs  # type: ignore[attr-defined]
        held = Waiting(jobs.plan)
        monkeypatch.setattr(jobs, "plan", held)
        await pilot.press("b", "s", "enter", "enter")
        text = await says(pilot, "asking the nodes what there is to do", "Nothing is changed by it", "its plan is not there yet")  # fmt: skip
        assert "starts it" not in text
        held.go.set()
        await says(pilot, "Enter starts it")
        assert len(states(pilot, "sync")) == 3


async def test_the_choice_of_another_job_forgets_the_plan_of_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with demo() as pilot:
        jobs = pilot.app.runtime.jobs  # type: ignore[attr-defined]
        held = Waiting(jobs.plan)
        await pilot.press("b", "s")
        await says(pilot, "Plan of sync", "Enter starts it")
        monkeypatch.setattr(jobs, "plan", held)
        await pilot.press("right")
        text = await says(pilot, "Plan of sync-models", "asking the nodes")
        assert "Enter starts it" not in text
        await pilot.press("enter")
        await pilot.pause()
        assert states(pilot, "sync-models") == []


async def test_a_refused_plan_is_shown_and_cannot_be_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with demo(size=(80, 24)) as pilot:
        jobs = pilot.app.runtime.jobs  # type: ignore[attr-defined]
        plan = jobs.plan

        async def refused(name: str, nodes: Sequence[str] | None = None) -> JobPlan:
            found: JobPlan = await plan(name, nodes)
            return replace(
                found, refusals=("only 3 GB are free at nas, half of which is too little",)
            )

        monkeypatch.setattr(jobs, "plan", refused)
        await pilot.press("b", "s")
        text = await says(pilot, "✖ only 3 GB are free at nas")
        assert "Enter starts it" not in text
        await pilot.press("enter")
        await says(pilot, "refused: see above")
        assert len(states(pilot, "sync")) == 3


async def test_a_plan_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async with demo() as pilot:

        async def broken(name: str, nodes: Sequence[str] | None = None) -> JobPlan:
            raise UsageError("[bold]no[/] \x1b[31mplan\u202e here")

        monkeypatch.setattr(pilot.app.runtime.jobs, "plan", broken)  # type: ignore[attr-defined]
        await pilot.press("b", "p")
        await says(pilot, "[bold]no[/] ␛[31mplan<U+202E> here", "Ctrl-R plans again")
        await pilot.press("enter")
        await says(pilot, "it has no plan")


async def test_a_kind_without_a_job_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with demo() as pilot:
        jobs = pilot.app.runtime.jobs  # type: ignore[attr-defined]
        all_of_them = jobs.planned
        monkeypatch.setattr(jobs, "planned", lambda: [j for j in all_of_them() if j.kind == "sync"])
        await pilot.press("b")
        await says(pilot, "none in jobs.yaml", "1-9 your own commands")
        await pilot.press("p")
        await says(pilot, "no job of kind prune in jobs.yaml")
        await pilot.press("4")
        await says(pilot, "there is no command 4")


async def test_a_scheduled_job_opens_its_plan() -> None:
    async with demo() as pilot:
        await on_jobs(pilot, "section:scheduled job:backup")
        await says(pilot, "scheduled", "cron 0 * * * *", "shows its plan, and starts it now")
        await pilot.press("enter")
        await says(pilot, "Plan of backup", "$ rclone copy --checksum")


async def test_the_palette_shows_the_plan_of_any_job() -> None:
    async with demo() as pilot:
        await pilot.press("colon", *"job nightly")
        await says(pilot, "Job nightly: its plan")
        await pilot.press("enter")
        await says(pilot, "Plan of nightly", "python -m workers.jobs aggregate")
        await pilot.press("escape")
        await until(pilot, lambda: "Plan of nightly" not in screen_text(pilot), "its end")
