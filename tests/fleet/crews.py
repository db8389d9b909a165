"""Workers of a small fleet: records made in a line, and machines whose workers go on as the test's clock runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from console.fleet.alerts import Alert
from console.fleet.events import WorkersArrived
from console.fleet.rules import AlertRules
from console.fleet.workers import WorkerView
from tests.fleet.world import World
from workers.protocol import Progress, WorkerRecord, WorkerReport

Script = Callable[[float], tuple[WorkerRecord, ...]]


def record(name: str = "selfplay-1", **more: Any) -> WorkerRecord:
    """A run that lives, unless `more` says otherwise; its id is its name unless it is given."""
    known: dict[str, Any] = {
        "run_id": f"run-{name}",
        "state": "running",
        "attempt": 1,
        "pid": 4711,
        "running_s": 60.0,
        **more,
    }
    return WorkerRecord(name=name, **known)


def doing(done: float | None = None, **more: Any) -> Progress:
    return Progress(done=done, unit="game", **more)


class Crews(World):
    """A world in which `scripts` say each second what runs on a node; the argument is the seconds since 100."""

    def __init__(self, *names: str, rules: AlertRules | None = None) -> None:
        self.scripts: dict[str, Script] = {}
        super().__init__(*names, rules=rules)

    def tick(self) -> None:
        for name, script in self.scripts.items():
            if name in self.alive:
                self.report(name, *script(self.at - 100.0))
        super().tick()

    def report(self, name: str, *records: WorkerRecord, fault: str | None = None) -> None:
        self.apply(WorkersArrived(name, self.at, WorkerReport(self.clock, records, fault)))

    def view(self, node: str = "a", name: str = "selfplay-1") -> WorkerView:
        return next(view for view in self.store.workers_of(node) if view.name == name)

    def alert(self, kind: str) -> Alert:
        return next(alert for alert in self.store.alerts if alert.kind == kind)
