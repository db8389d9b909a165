"""What follows an end: by the rule, from the history alone, whatever clocks and keepers do."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from tests.supervisor.world import World, eventually, seen_afresh
from workers.protocol import RestartRule, WorkerSpec
from workers.supervisor.condition import fold
from workers.supervisor.restart import Next, next_step, past

BOOT = "b1"
RULE = RestartRule("on-failure", max_restarts=3, window_s=100.0, backoff_s=1.0, backoff_max_s=8.0)


def history(
    *codes: int | None, lived_s: float = 1.0, rule: RestartRule = RULE
) -> list[dict[str, Any]]:
    """Attempts that ended so, each but the last followed by the back-off that the rule asks for."""
    events: list[dict[str, Any]] = [{"kind": "created", "boot_id": BOOT, "boottime": 0.0}]
    clock = 10.0

    def add(kind: str, **fields: Any) -> None:
        events.append({"kind": kind, "boottime": clock, "boot_id": BOOT, **fields})

    for number, code in enumerate(codes, 1):
        add("intent", attempt=number)
        add("started", attempt=number, pid=number, ticks=1)
        clock += lived_s
        if code is None:
            add("lost", attempt=number, reason="supervisor")
        else:
            add("exited", attempt=number, code=code)
        if number < len(codes):
            step = decide(events, rule=rule, clock=clock)
            add("backoff", attempt=number + 1, until=clock + step.delay_s, counted=step.counted)
            clock += step.delay_s
    return events


def decide(
    events: list[dict[str, Any]], rule: RestartRule = RULE, clock: float | None = None,
    chance: float = 0.5, boot: str = BOOT, **fields: Any,
) -> Next:  # fmt: skip
    spec = WorkerSpec("r", "w", ("x",), restart=rule, **fields)
    now = events[-1]["boottime"] if clock is None else clock
    return next_step(spec, fold(events), past(events, boot, rule.healthy_s), now, chance)


@pytest.mark.parametrize(
    ("policy", "code", "act", "counted"),
    [
        ("never", 1, "finish", False),
        ("never", 75, "finish", False),
        ("never", 3, "finish", False),
        ("never", None, "finish", False),
        ("asked", 0, "finish", False),
        ("asked", 1, "finish", False),
        ("asked", None, "finish", False),
        ("asked", 75, "back_off", False),
        ("asked", 3, "back_off", False),
        ("on-failure", 0, "finish", False),
        ("on-failure", 1, "back_off", True),
        ("on-failure", None, "back_off", True),
        ("on-failure", 75, "back_off", False),
        ("on-failure", 3, "back_off", False),
        ("always", 0, "back_off", True),
        ("always", 75, "back_off", False),
        ("always", 3, "back_off", False),
    ],
)
def test_exit_codes_mean_what_the_contract_says(
    policy: str, code: int | None, act: str, counted: bool
) -> None:
    rule = RULE._replace(policy=policy)
    step = decide(history(code, rule=rule), rule=rule)
    assert (step.act, step.counted) == (act, counted)


def test_pauses_double_up_to_the_cap_with_jitter() -> None:
    rule = RULE._replace(max_restarts=100)
    for crashes, ceiling in enumerate((1.0, 2.0, 4.0, 8.0, 8.0, 8.0), 1):
        events = history(*[1] * crashes, rule=rule)
        assert decide(events, rule, chance=0.999).delay_s == pytest.approx(ceiling, rel=0.01)
        assert decide(events, rule, chance=0.5).delay_s == pytest.approx(ceiling / 2)
        assert decide(events, rule, chance=0.0).delay_s > 0


def test_too_many_crashes_in_the_window_are_a_loop() -> None:
    assert decide(history(1, 1, 1)).act == "back_off"
    loop = decide(history(1, 1, 1, 1))
    assert (loop.act, loop.restarts) == ("crash_loop", 3)
    assert decide(history(1, 1, 1, 1), clock=500.0).act == "back_off", "the window has passed"
    assert decide(history(*[75] * 40)).act == "back_off"
    assert decide(history(*[3] * 40)).act == "back_off"


def test_what_is_expected_to_finish_asks_only_so_often() -> None:
    rule = RestartRule("asked", max_restarts=3, backoff_s=1.0, healthy_s=1e9)
    assert decide(history(3, 75, 3, rule=rule, lived_s=500.0), rule).act == "back_off"
    assert decide(history(3, 75, 3, 3, rule=rule, lived_s=500.0), rule).act == "finish"


def test_healthy_attempt_wipes_the_slate() -> None:
    rule = RULE._replace(healthy_s=5.0, window_s=1e9)
    step = decide(history(1, 1, 1, 1, 1, 1, lived_s=6.0, rule=rule), rule, chance=0.5)
    assert (step.act, step.delay_s) == ("back_off", 0.5)


def test_persons_start_wipes_the_slate() -> None:
    events = history(1, 1, 1)
    events.append(
        {"kind": "desired", "act": "restart", "sequence": 2, "boottime": 20.0, "boot_id": BOOT}
    )
    assert decide(events).act == "start"
    events += [{**event, "boottime": 21.0} for event in history(1)[1:]]
    step = decide(events, chance=0.5)
    assert (step.act, step.delay_s) == ("back_off", 0.5)


def test_pause_that_passed_in_sleep_is_one_restart() -> None:
    """The machine slept for an hour within the pause: one attempt follows, not an hour's worth."""
    events = history(1, 1)[:-3]  # within the pause after the first
    assert decide(events, clock=events[-1]["until"] - 0.1).act == "wait"
    assert decide(events, clock=events[-1]["until"] + 3600).act == "start"


@pytest.mark.parametrize(("on_boot", "act"), [("leave", "finish"), ("restart", "start")])
def test_rule_for_a_new_boot_is_obeyed_once(on_boot: str, act: str) -> None:
    events = history(1)[:-1]
    events.append({"kind": "lost", "reason": "reboot", "boottime": 5.0, "boot_id": "b2"})
    always = RULE._replace(policy="always")
    assert decide(events, always, boot="b2", on_boot=on_boot).act == act


# ---------------------------------------------------------------- with real workers


def test_crash_loop_gives_up_and_its_count_outlives_the_keepers(world: World) -> None:
    rule = RestartRule("on-failure", max_restarts=4, backoff_s=0.2, backoff_max_s=0.2)
    worker = world.start("false", restart=rule)
    worker.until(lambda now: now.attempt >= 2)
    worker.kill_pair()
    world.another_agent().launch(worker.paths.folder)
    end = worker.finished()
    assert (end.state, end.crash_loop, end.exit_code) == ("exited", True, 1)
    assert (end.attempt, end.restarts) == (5, 4)
    assert len(worker.events("started")) == 5


def test_new_attempt_has_its_own_folder(world: World) -> None:
    rule = RestartRule("on-failure", backoff_s=0.1, backoff_max_s=0.1)
    script = 'echo "${QD_STATUS%/*}"; test -e again && exit 0; touch again; exit 75'
    worker = world.start("sh", "-c", script, restart=rule)
    worker.finished()
    assert worker.output(1).strip() == worker.attempt(1).folder
    assert worker.output(2).strip() == worker.attempt(2).folder


def test_finished_run_is_started_again_by_a_person(world: World) -> None:
    worker = world.start("true")
    worker.finished()
    eventually(lambda: not worker.run.is_held())
    world.launch(worker)
    eventually(lambda: not worker.run.is_held())
    assert worker.now.attempt == 1, "taking care of what is finished begins nothing"
    worker.wants("start")
    world.launch(worker)
    worker.until(lambda now: now.attempt == 2 and now.finished)


def test_restart_asked_of_a_keeper_that_dies_is_done_by_the_next(world: World) -> None:
    worker = world.start("sleep", "600")
    pid = worker.running().pid or 0
    pids = [worker.keeper("guardian"), worker.keeper("shim")]
    for keeper in pids:
        os.kill(keeper, signal.SIGSTOP)
    worker.run.want("restart", "ada@desk")
    for keeper in pids:
        os.kill(keeper, signal.SIGKILL)
    eventually(lambda: not worker.run.is_held())
    world.another_agent().launch(worker.paths.folder)
    worker.running(attempt=2)
    assert world.carriers() == [worker.now.pid] != [pid]
    assert seen_afresh(worker).now.state == "running"
