"""Which screens there are, their keys, and where each is built. A screen that is not built has no key.

Nothing here is imported until it is opened, so that the first screen comes up fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A screen or dialog: `target` is "module:class"; `key` is "" where another key opens it."""

    name: str
    title: str
    target: str
    key: str = ""

    @property
    def built(self) -> bool:
        return find_spec(self.target.partition(":")[0]) is not None

    def make(self, *arguments: Any) -> Any:
        """The screen, made with its own arguments (noted beside each entry)."""
        module, _, attribute = self.target.partition(":")
        return getattr(import_module(module), attribute)(*arguments)


FLEET = Entry("fleet", "Fleet", "console.ui.screens.fleet:FleetScreen", key="1")
WORKERS = Entry("workers", "Workers", "console.ui.screens.workers:WorkersScreen", key="2")
JOBS = Entry("jobs", "Jobs", "console.ui.screens.jobs:JobsScreen", key="3")
DATA = Entry("data", "Data", "console.ui.screens.data:DataScreen", key="4")
LOGS = Entry("logs", "Logs", "console.ui.screens.logs:LogsScreen", key="5")  # (sources = ())
ALERTS = Entry("alerts", "Alerts", "console.ui.screens.alerts:AlertsScreen", key="7")
SCREENS = (FLEET, WORKERS, JOBS, DATA, LOGS, ALERTS)  # made without arguments

NODE = Entry("node", "Node", "console.ui.screens.node:NodeScreen")  # (node: str)

# Dialogs: each a ModalScreen.
HELP = Entry("help", "Help", "console.ui.modals.help:HelpModal")  # (the screen it explains)
DIAGNOSE = Entry("diagnose", "Diagnose", "console.ui.modals.diagnose:DiagnoseModal")  # (node: str)
TRUST = Entry("trust", "Trust", "console.ui.modals.trust:TrustModal")  # (node: str)
AUDIT = Entry("audit", "Audit log", "console.ui.modals.audit:AuditModal")  # ()
PROMPT = Entry("prompt", "Prompt", "console.ui.modals.prompt:PromptModal")  # (Prompt) -> str | None
ALERT_HISTORY = Entry(
    "alert_history", "Alert history", "console.ui.screens.alert_history:AlertHistoryScreen"
)  # ()
WORKER = Entry("worker", "Worker", "console.ui.modals.worker:WorkerModal")  # (WorkerView)
START = Entry("start", "Start", "console.ui.modals.start:StartModal")  # (nodes, preset = "")
ACT = Entry("act", "Act", "console.ui.modals.act:ActModal")  # (views, act)
FORGET = Entry("forget", "Forget", "console.ui.modals.forget:ForgetModal")  # (views) -> bool
ORPHANS = Entry("orphans", "Orphans", "console.ui.modals.orphans:OrphansModal")  # (nodes)
COMMAND = Entry("command", "Command", "console.ui.modals.command:CommandModal")  # (nodes)
PICKER = Entry("picker", "Hosts", "console.ui.modals.hosts:HostPicker")  # () -> tuple[str, ...]
JOBS_MENU = Entry("jobs_menu", "Jobs", "console.ui.modals.jobs_menu:JobsMenu")  # (nodes)
JOB_PLAN = Entry(
    "job_plan", "Plan", "console.ui.modals.job_plan:JobPlanModal"
)  # (names, nodes, retry = None)
JOB = Entry("job", "Job", "console.ui.modals.job:JobModal")  # (WorkerView)
SCHEDULE = Entry(
    "schedule", "Schedule", "console.ui.modals.schedule:ScheduleModal"
)  # (node, rows) -> bool
CANCEL_JOB = Entry(
    "cancel_job", "Cancel", "console.ui.modals.cancel_job:CancelJobModal"
)  # (JobRow) -> bool
