"""What the keys of jobs do, on whatever screen: mixed into the app. The dialogs show the plan first."""

from __future__ import annotations

from collections.abc import Sequence

from console.errors import QuarterdeckError
from console.fleet.jobs import JobRow, Planned
from console.fleet.workers import WorkerView
from console.operations.outcomes import Target
from console.ui import registry
from console.ui.worker_actions import WorkerActions

_OF_JOBS = frozenset({"jobs_menu", "plan_of"})


class JobActions(WorkerActions):
    """Jobs are known by their names; their runs are workers of the kind `job`."""

    def worker_action_applies(self, action: str) -> bool | None:
        if action in _OF_JOBS:
            return hasattr(self.runtime, "jobs")
        return super().worker_action_applies(action)

    def known_jobs(self) -> Sequence[Planned]:
        """Every job of the settings, and when it starts by itself."""
        return self.runtime.jobs.planned() if hasattr(self.runtime, "jobs") else ()

    @property
    def scheduler_runs(self) -> bool:
        """Whether anything starts jobs when they are due, as far as it can be seen now."""
        view = self.runtime.jobs.schedule() if hasattr(self.runtime, "jobs") else None
        return view is not None and view.live and view.reachable

    # ------------------------------------------------------------ what they do

    def action_jobs_menu(self) -> None:
        screen = self.fleet_screen
        self.push_screen(registry.JOBS_MENU.make(screen.marked_nodes() if screen else ()))

    def action_plan_of(self, place: int) -> None:
        """Of the palette: the job at this place of the settings."""
        jobs, screen = self.known_jobs(), self.fleet_screen
        if place < len(jobs):
            self.show_plan((jobs[place].name,), screen.marked_nodes() if screen else ())

    def show_plan(self, names: Sequence[str], nodes: Sequence[str] = ()) -> None:
        """The dialog that shows what a job would do, and starts it."""
        self.push_screen(registry.JOB_PLAN.make(tuple(names), tuple(nodes)))

    def show_job(self, view: WorkerView) -> None:
        """All about one run."""
        self.push_screen(registry.JOB.make(view))

    def ask_cancel(self, row: JobRow) -> None:
        """Asks, then cancels the run."""
        view = row.view
        if view is None:
            return

        def go(sure: bool | None) -> None:
            if sure:
                self.run_worker(self._cancel(view), group="acts")

        self.push_screen(registry.CANCEL_JOB.make(row), go)

    async def _cancel(self, view: WorkerView) -> None:
        try:
            outcome = await self.runtime.jobs.cancel(Target.of(view.node, view.record))
        except QuarterdeckError as error:
            self.say(f"{view.name} was not cancelled: {error}", bad=True)
            return
        if outcome.done:
            self.say(f"{view.name} is being cancelled")
        else:
            self.say(f"{view.name} was not cancelled: {outcome.text}", bad=True)

    def retry_job(self, row: JobRow) -> None:
        """The plan of the same job for the nodes that were not done."""
        if row.view is not None:
            self.push_screen(registry.JOB_PLAN.make((row.name,), (), row.view))

    def ask_schedule(self, rows: Sequence[JobRow]) -> None:
        """Asks, then starts the worker that starts these jobs when they are due."""

        def go(sure: bool | None) -> None:
            if sure:
                self.run_worker(self._start_schedule(), group="acts")

        self.push_screen(registry.SCHEDULE.make(self.runtime.orchestrator(), tuple(rows)), go)

    async def _start_schedule(self) -> None:
        outcome = await self.runtime.jobs.start_schedule()
        if outcome.done:
            self.say(f"the schedule runs on {outcome.node}; it is among the workers")
        else:
            self.say(f"the schedule was not started: {outcome.text}", bad=True)
