"""Jobs as rows: where each is listed, what it is called, and how far it is."""

from __future__ import annotations

from typing import Any

import pytest

from console.fleet.jobs import JobRow, Planned, job_rows, kind_of, running_jobs
from console.fleet.workers import WorkerView
from console.fleet.workers.groups import counts
from tests.fleet.crews import record
from workers.protocol import Progress, ProgressPart

SYNC = ("python", "-m", "workers.jobs", "sync")


def part(name: str, state: str, **more: Any) -> ProgressPart:
    return ProgressPart(name, state, **more)


def view(
    name: str = "sync", *parts: ProgressPart, node: str = "home", progress: Any = None, **more: Any
) -> WorkerView:
    """A run of a job; `more` goes into its record, but for what a view itself has."""
    own = {
        key: more.pop(key) for key in ("reachable", "over_s", "running_s", "health") if key in more
    }
    said = progress or (Progress(phase="sync", parts=parts) if parts else None)
    run_id = more.pop("run_id", f"run-{name}")
    found = record(name, kind="job", command=SYNC, progress=said, run_id=run_id, **more)
    return WorkerView(node, found, **{"reachable": True, **own})


def row(*parts: ProgressPart, **more: Any) -> JobRow:
    return job_rows([view("sync", *parts, **more)])[0]


# ------------------------------------------------------------ what it is


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (SYNC, "sync"),
        (("/venv/bin/python", "-u", "-m", "console.conduct", "update_code"), "update_code"),
        (("python", "-m", "workers.jobs"), "job"),
        (("echo", "workers.jobs", "sync"), "job"),
        ((), "job"),
    ],
)
def test_the_kind_is_in_the_command(command: tuple[str, ...], kind: str) -> None:
    assert kind_of(record(kind="job", command=command)) == kind


@pytest.mark.parametrize(
    ("more", "section", "state", "sign"),
    [
        ({}, "running", "running", "running"),
        ({"state": "created"}, "queued", "starting", "waiting"),
        ({"state": "backoff", "restart_in_s": 12.0}, "queued", "back-off", "waiting"),
        ({"progress": Progress(phase="waiting")}, "queued", "queued", "waiting"),
        ({"state": "stopping", "desired": "stopped"}, "running", "cancelling", "waiting"),
        ({"kill_pending": ("4711 in D state",)}, "running", "kill pending", "bad"),
        ({"health": "stalled"}, "running", "stalled", "bad"),
        ({"reachable": False}, "running", "running", "unseen"),
        ({"state": "exited", "exit_code": 0}, "history", "done", "ended"),
        ({"state": "exited", "exit_code": 1}, "history", "failed", "bad"),
        ({"state": "exited", "exit_code": 3}, "history", "no node reached", "bad"),
        ({"state": "exited", "exit_code": 4}, "history", "bad settings", "bad"),
        ({"state": "exited", "exit_code": 5}, "history", "corrupt data", "bad"),
        ({"state": "exited", "exit_code": 6}, "history", "no disk", "bad"),
        ({"state": "exited", "exit_code": 1, "progress": Progress(phase="partial")}, "history", "partial", "bad"),
        ({"state": "exited", "signal": 9, "oom": True}, "history", "SIGKILL (memory)", "bad"),
        ({"state": "exited", "error": "no python"}, "history", "not started", "bad"),
        ({"state": "exited"}, "history", "unknown", "bad"),
        ({"state": "stopped", "exit_code": 143}, "history", "cancelled", "ended"),
        ({"state": "lost", "lost_reason": "reboot"}, "history", "lost: reboot", "bad"),
        ({"state": "lost", "reachable": False}, "history", "lost: unknown", "bad"),
    ],
)  # fmt: skip
def test_every_state_has_its_section_its_words_and_its_sign(
    more: dict[str, Any], section: str, state: str, sign: str
) -> None:
    found = row(**more)
    assert (found.section, found.state, found.sign) == (section, state, sign)


def test_some_done_and_some_not_is_partial_and_never_done() -> None:
    found = row(
        part("a", "done"), part("b", "failed"), part("c", "skipped"), state="exited", exit_code=1
    )
    assert (found.state, found.message, found.failed_nodes) == ("partial", "not done: b", ("b",))
    assert found.can_retry
    assert not found.can_cancel


def test_a_node_that_failed_is_seen_while_the_others_go_on() -> None:
    found = row(part("a", "running"), part("b", "failed"))
    assert (found.state, found.sign, found.message) == ("running", "odd", "not done: b")
    assert found.can_cancel
    assert not found.can_retry


def test_its_own_words_come_before_ours() -> None:
    said = Progress(phase="partial", message="2 nodes left", parts=(part("a", "failed"),))
    assert row(progress=said, state="exited", exit_code=1).message == "2 nodes left"
    assert (
        row(state="exited", exit_code=None, signal=9, oom=True).message
        == "killed by SIGKILL (out of memory)"
    )
    assert row(error="no python there", state="exited").message == "no python there"


# ------------------------------------------------------------ how far


def test_bytes_rates_and_time_are_those_of_the_nodes_together() -> None:
    found = row(
        part("a", "done", bytes=100.0, bytes_total=100.0),
        part("b", "running", bytes=50.0, bytes_total=100.0, rate_bytes_s=10.0, eta_s=5.0),
        part("c", "waiting", bytes=0.0, bytes_total=200.0),
    ).amount
    assert (found.nodes_done, found.nodes, found.bytes, found.bytes_total) == (1, 3, 150.0, 400.0)
    assert (found.rate, found.eta_s, found.share) == (10.0, 25.0, 0.375)


def test_a_total_that_is_not_known_yet_is_not_said() -> None:
    found = row(
        part("a", "running", bytes=50.0, bytes_total=100.0, rate_bytes_s=10.0, eta_s=5.0),
        part("b", "waiting"),
    ).amount
    assert (found.bytes, found.bytes_total, found.eta_s) == (50.0, None, None)
    assert found.share == 0.0  # none of two nodes
    last = row(part("a", "running", bytes=5.0, eta_s=7.0), part("b", "done", bytes=1.0)).amount
    assert last.eta_s == 7.0


def test_numbers_that_are_none_are_left_out() -> None:
    nan, far = float("nan"), float("inf")
    found = row(
        part("a", "running", bytes=nan, bytes_total=far, rate_bytes_s=-1.0, eta_s=far),
        part("b", "running", bytes=10.0, bytes_total=20.0),
    ).amount
    assert (found.bytes, found.rate, found.eta_s) == (10.0, None, None)
    assert row(progress=Progress(done=nan, total=10.0)).amount.share is None
    assert row(progress=Progress(done=5.0, total=-1.0)).amount.share is None


def test_without_parts_its_own_count_is_how_far_it_is() -> None:
    assert row(progress=Progress(done=5.0, total=20.0)).amount.share == 0.25
    assert row(progress=Progress(done=50.0, total=20.0)).amount.share == 1.0
    assert row().amount.share is None


def test_what_is_over_has_no_rate_and_no_time_left() -> None:
    found = row(
        part("a", "running", bytes=5.0, rate_bytes_s=9.0, eta_s=3.0), state="stopped"
    ).amount
    assert (found.bytes, found.rate, found.eta_s) == (5.0, None, None)


# ------------------------------------------------------------ the list


def test_sections_come_in_their_order_and_rows_keep_their_place() -> None:
    views = [
        view("old", state="exited", exit_code=0, over_s=900.0),
        view("young", state="exited", exit_code=0, over_s=9.0),
        view("new", running_s=5.0),
        view("long", running_s=500.0),
        view("next", state="starting", running_s=None),
    ]
    planned = [Planned("late", "backup", "0 4 * * *", 400.0), Planned("soon", "sync", "* * * * *", 4.0),
               Planned("by-hand", "prune")]  # fmt: skip
    found = job_rows(views, planned)
    assert [(each.section, each.name) for each in found] == [
        ("running", "long"), ("running", "new"), ("queued", "next"), ("scheduled", "soon"),
        ("scheduled", "late"), ("history", "young"), ("history", "old"),
    ]  # fmt: skip
    assert len({each.key for each in found}) == len(found)


def test_workers_and_commands_are_no_jobs_and_jobs_are_no_workers() -> None:
    plain = WorkerView("home", record("selfplay"), reachable=True)
    asked = WorkerView("home", record("cmd", kind="command"), reachable=True)
    found = job_rows([plain, asked, view("sync")])
    assert [each.name for each in found] == ["sync"]
    assert counts([plain, asked, view("sync")]) == (("run", 1),)


def test_what_holds_a_plan_back_is_said() -> None:
    held = Planned("sync", "sync", "0 * * * *", 60.0, "sync_disabled: true on this machine")
    (found,) = job_rows([], [held])
    assert (found.state, found.message) == ("held back", "sync_disabled: true on this machine")
    assert (found.node, found.view, found.parts) == ("", None, ())


def test_the_summary_counts_what_runs_and_is_seen() -> None:
    half = view("a", part("x", "running", bytes=50.0, bytes_total=100.0))
    full = view("b", part("x", "done", bytes=1.0, bytes_total=1.0))
    unseen = view("c", reachable=False)
    over = view("d", state="exited", exit_code=0)
    found = running_jobs([half, full, unseen, over])
    assert (found.running, found.share) == (2, 0.75)
    assert running_jobs([half, view("e")]).share is None
    assert running_jobs([]) == (0, None, 0)
