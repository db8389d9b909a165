"""What a run is, from what was written down of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.supervisor import condition as states
from workers.supervisor.condition import Condition, fold

BOOT = "boot-1"


class History:
    """Events of one boot, a second apart."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def __call__(self, kind: str, **fields: Any) -> History:
        clock = float(len(self.events))
        event = {"seq": len(self.events) + 1, "kind": kind, "wall": 1e9 + clock, "boottime": clock}
        self.events.append(event | {"boot_id": BOOT} | fields)
        return self

    @property
    def now(self) -> Condition:
        return fold(self.events)


@pytest.fixture
def running() -> History:
    return History()("created")("intent", attempt=1)("started", attempt=1, pid=7, ticks=70)


def wish(act: str, sequence: int = 2) -> dict[str, Any]:
    wants = {"stop": "stopped", "kill": "stopped", "drain": "drained"}
    return {"kind": "desired", "act": act, "want": wants.get(act, "running"), "sequence": sequence}


def test_from_start_to_end(running: History) -> None:
    assert (running.now.state, running.now.pid, running.now.attempt) == ("running", 7, 1)
    assert running.now.attempt_started == 2.0
    ended = running("exited", attempt=1, code=3, leftovers=0).now
    assert (ended.state, ended.exit_code, ended.signal, ended.pid) == ("exited", 3, None, None)
    assert not ended.finished
    assert running("finished").now.finished


def test_our_stop_is_stopped_whatever_the_code(running: History) -> None:
    asked = running(**wish("stop")).now
    assert (asked.state, asked.stop_asked, asked.stopping_since) == ("stopping", True, 3.0)
    ended = running("exited", attempt=1, code=0).now
    assert (ended.state, ended.exit_code, ended.want) == ("stopped", 0, "stopped")


def test_asking_again_gives_no_more_time(running: History) -> None:
    assert running(**wish("stop"))(**wish("stop", 3))(**wish("kill", 4)).now.stopping_since == 3.0


def test_a_stop_before_the_first_attempt_leaves_nothing_to_start() -> None:
    now = History()("created")(**wish("stop")).now
    assert (now.state, now.attempt, now.live) == ("stopped", 0, False)


def test_a_stop_while_it_waits_to_come_back(running: History) -> None:
    running("exited", attempt=1, code=1)("backoff", attempt=2, until=99.0)
    assert (running.now.state, running.now.restart_at) == ("backoff", 99.0)
    now = running(**wish("stop")).now
    assert (now.state, now.restart_at) == ("stopped", None)


def test_restarts_by_policy_are_counted_and_those_asked_for_are_not(running: History) -> None:
    running("exited", attempt=1, code=1)("backoff", attempt=2, until=9.0)("intent", attempt=2)
    assert (running.now.restarts, running.now.attempt) == (1, 2)
    running("started", attempt=2, pid=8, ticks=80)(**wish("restart"))
    assert (running.now.state, running.now.stop_asked, running.now.start_asked) == (
        "stopping", False, True,
    )  # fmt: skip
    running("exited", attempt=2, signal=15)
    assert running.now.start_asked
    running("intent", attempt=3)
    assert (running.now.restarts, running.now.start_asked, running.now.state) == (
        1, False, "starting",
    )  # fmt: skip


def test_a_restart_of_what_was_finished_is_not_forgotten(running: History) -> None:
    running("exited", attempt=1, code=0)("finished")(**wish("restart"))
    assert (running.now.finished, running.now.start_asked) == (False, True)


def test_the_last_wish_wins(running: History) -> None:
    running(**wish("restart"))(**wish("stop", 3))("exited", attempt=1, signal=15)
    assert (running.now.state, running.now.start_asked, running.now.sequence) == (
        "stopped", False, 3,
    )  # fmt: skip


def test_what_outlives_the_main_process_keeps_a_stop_open(running: History) -> None:
    running(**wish("stop"))("exited", attempt=1, signal=15, leftovers=2)
    assert (running.now.state, running.now.leftovers, running.now.pid) == ("stopping", 2, None)
    running("kill_pending", attempt=1, survivors=["9 in D state (ext4_sync)"])
    assert running.now.kill_pending == ("9 in D state (ext4_sync)",)
    running("emptied", attempt=1)
    assert (running.now.state, running.now.leftovers, running.now.kill_pending) == (
        "stopped", 0, (),
    )  # fmt: skip


def test_lost_is_no_code_and_no_success(running: History) -> None:
    now = running("lost", attempt=1, reason="reboot", last_seen=1e9).now
    assert (now.state, now.lost_reason, now.exit_code, now.signal) == ("lost", "reboot", None, None)
    assert (now.last_seen, now.pid, now.live) == (1e9, None, False)


def test_what_was_lost_and_is_found_runs(running: History) -> None:
    now = running("lost", attempt=1, reason="deleted")("adopted", attempt=1, pid=7, ticks=70).now
    assert (now.state, now.adopted, now.lost_reason, now.ended_wall) == (
        "running",
        True,
        None,
        None,
    )


def test_one_of_the_pair_is_gone_until_another_takes_it_up(running: History) -> None:
    assert running("shim_lost").now.unguarded
    assert not running("taken_up").now.unguarded
    assert running("guardian_lost").now.unguarded


def test_the_clocks_belong_to_a_boot(running: History) -> None:
    """An event of the next boot does not make an old process a process of now."""
    now = running("warning", text="x", boot_id="boot-2").now
    assert (now.attempt_boot_id, now.boot_id, now.pid) == (BOOT, "boot-2", 7)


def test_what_could_not_be_executed_says_why() -> None:
    history = History()("created")("intent", attempt=1)
    now = history("exec_failed", attempt=1, errno=2, path="x", text="no such file: x").now
    assert (now.state, now.error, now.exit_code) == ("exited", "no such file: x", None)


def test_the_newest_warnings_are_kept_once_each(running: History) -> None:
    for number in range(20):
        running("warning", text=f"w{number % 10}")
    assert running.now.warnings == tuple(f"w{number}" for number in range(2, 10))


def test_a_history_with_holes_still_names_its_attempt(running: History) -> None:
    """Whichever event of it was lost."""
    running("exited", attempt=1, code=3)
    for hole in range(1, 3):
        kept = [event for number, event in enumerate(running.events) if number != hole]
        assert (fold(kept).attempt, fold(kept).state, fold(kept).exit_code) == (1, "exited", 3)


KINDS = ["created", "intent", "started", "exec_failed", "adopted", "desired", "exited", "lost",
         "backoff", "crash_loop", "finished", "shim_lost", "emptied", "kill_pending", "warning",
         "taken_up", "teleported"]  # fmt: skip
VALUES = st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers())
EVENTS = st.builds(
    lambda kind, fields: {"kind": kind, **fields},
    st.sampled_from(KINDS) | VALUES,
    st.dictionaries(
        st.sampled_from(
            ["attempt", "pid", "ticks", "sequence", "act", "want", "code", "signal", "reason",
             "until", "survivors", "text", "wall", "boottime", "boot_id", "leftovers"]
        ),
        VALUES | st.sampled_from(["stop", "restart", "drain", "start"]),
    ),
)  # fmt: skip


@given(st.lists(EVENTS, max_size=20))
def test_whatever_was_written_there_is_an_answer(history: list[dict[str, Any]]) -> None:
    now = fold(history)
    assert now.state in states.LIVE | states.ENDED
    for value, kind in (
        (now.attempt, int), (now.sequence, int), (now.leftovers, int), (now.boot_id, str),
        (now.want, str), (now.attempt_boot_id, str),
    ):  # fmt: skip
        assert type(value) is kind
    for maybe in (now.pid, now.ticks, now.exit_code, now.signal):
        assert maybe is None or type(maybe) is int
    assert all(type(text) is str for text in (*now.warnings, *now.kill_pending))


@given(st.lists(EVENTS, max_size=20), st.integers(0, 20))
def test_in_pieces_it_is_the_same(history: list[dict[str, Any]], cut: int) -> None:
    whole, pieces = fold(history), fold(history[cut:], fold(history[:cut]))
    assert repr(whole) == repr(pieces)
