"""Whatever a node says of a job is shown as text: nothing in it acts, and nothing of it ends the screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.fleet.events import WorkersArrived
from console.fleet.jobs import job_rows
from console.fleet.workers import WorkerView
from console.operations.jobs import HostShare, JobPlan
from console.settings.jobs import JobSettings
from console.ui.glyphs import UNICODE
from console.ui.jobs.detail import detail_lines
from console.ui.jobs.job_sheet import job_lines
from console.ui.jobs.plan_lines import plan_lines
from console.ui.lines import Line, Pen
from console.ui.paint import Inks
from tests.fleet.test_jobs import part
from tests.ui.fleets import CLOCK, StandIn, fed, node_up
from tests.ui.screens import opened, settled, shows, text
from workers.protocol import (
    Progress,
    WorkerDetails,
    WorkerEvent,
    WorkerRecord,
    WorkerReport,
    WorkerSpec,
)

EVIL = "\x1b[2J\x1b]52;c;cm0=\x07[/x][@click=app.quit]go[/]\u202e\n\r\t\x9b31m\ud800"
NUMBERS = (float("nan"), float("inf"), -1e300, 1e300, 0.0)
INKS = Inks({"background": "#101010", "foreground": "#e0e0e0", "primary": "#3070c0", "accent": "#c0a030",
             "success": "#30a050", "warning": "#c0a030", "error": "#c03030", "secondary": "#7070c0"})  # fmt: skip


def evil_record(state: str = "running") -> WorkerRecord:
    parts = tuple(
        part(EVIL, state, done=number, total=number, bytes=number, bytes_total=number,
             rate_bytes_s=number, eta_s=number, message=EVIL, unit=EVIL)
        for number in NUMBERS
        for state in ("running", "waiting", "done", "partial", "failed", "skipped", EVIL, "")
    )  # fmt: skip
    said = Progress(phase=EVIL, done=float("nan"), total=0.0, unit=EVIL, message=EVIL, parts=parts)
    return WorkerRecord(
        run_id="r" * 32, name=EVIL, state=state, kind="job", command=("-m", "workers.jobs", EVIL), by=EVIL,
        exit_code=1, lost_reason=EVIL, progress=said, last_line=EVIL, singleton=EVIL, warnings=(EVIL,), started_at=1e300,
        ended_at=float("nan"), log_bytes=-5,
    )  # fmt: skip


def plain(lines: list[Line]) -> str:
    """The lines as text; nothing in them may act (a line that is too long is cut where it is painted)."""
    for line in lines:
        said = "".join(word for word, _ in line)
        assert said.isprintable(), repr(said)
    return "\n".join("".join(word for word, _ in line) for line in lines)


@pytest.mark.parametrize("width", [40, 78, 200])
@pytest.mark.parametrize("state", ["running", "exited", "lost", EVIL])
def test_rows_sheets_and_details_are_plain_text(state: str, width: int) -> None:
    record = evil_record(state)
    (row,) = job_rows(
        [WorkerView(EVIL, record, reachable=True, running_s=1.0, over_s=float("inf"))]
    )
    pen = Pen(width, INKS, UNICODE)
    orders = json.dumps({"hosts": {EVIL: {"ssh": [EVIL], "root": EVIL, "problem": None}}, "sources": [EVIL],
                         "destination": {"node": EVIL}, "options": {EVIL: EVIL}})  # fmt: skip
    spec = WorkerSpec("r", EVIL, (EVIL,), input=(orders,))
    details = WorkerDetails(record, spec, EVIL, (WorkerEvent(1, float("nan"), EVIL),))
    plain(detail_lines(row, pen))
    said = "".join(plain(job_lines(row, details, pen)).split())
    assert "[@click=app.quit]go[/]" in said


@pytest.mark.parametrize("width", [40, 126])
def test_plans_are_plain_text(width: int) -> None:
    shares = (
        HostShare(EVIL, EVIL, 10**18, 10**30, ((EVIL, EVIL),), (EVIL,)),
        HostShare(EVIL, EVIL, None, None, problem=EVIL),
    )
    plan = JobPlan(JobSettings(name="x", kind="sync"), EVIL, WorkerSpec("r", "x", (EVIL,), singleton=EVIL), {},
                   EVIL, shares, (EVIL,), (EVIL,), (EVIL,))  # fmt: skip
    found = plain(plan_lines(plan, Pen(width, INKS, UNICODE)))
    assert "1withaproblem" in "".join(found.split())


async def test_the_screen_shows_it_and_goes_on(tmp_path: Path) -> None:
    store = fed(node_up("one"))
    report = WorkerReport(CLOCK, (evil_record(), evil_record("exited")._replace(run_id="s" * 32)))
    store.apply(WorkersArrived("one", 100.0, report))
    runtime: Any = StandIn(store)
    async with opened(store, tmp_path, (80, 24), runtime=runtime) as pilot:
        await pilot.press("3")
        await shows(pilot, "running")
        for key in ("j", "j", "j", "tab", "j", "G", "tab", "less_than_sign", "equals_sign"):
            await pilot.press(key)
        await settled(pilot)
        assert "\x1b" not in text(pilot)
        await pilot.press("b")  # this runtime has no jobs: the key does nothing
        assert len(pilot.app.screen_stack) == 2
