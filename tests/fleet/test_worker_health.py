"""Alive but doing nothing is found, with why; what cannot be judged is unknown and never well or ill."""

from __future__ import annotations

import pytest

from console.fleet.rules import AlertRules, Rule
from console.fleet.survey.workers import concerned
from tests.fleet.crews import Crews, doing, record
from tests.fleet.world import disk, sample
from workers.protocol import WorkerRecord


def at_rate(per_minute: float, **more: object) -> WorkerRecord:
    return record(progress=doing(rate_per_minute=per_minute, age_s=1.0), **more)


# ------------------------------------------------------------ stalled


def test_a_worker_that_had_a_rate_and_then_does_and_logs_nothing_is_stalled() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (
        record(progress=doing(min(int(t), 100)), log_age_s=max(0.0, t - 100), cpu_percent=0.0),
    )
    world.run(390)
    assert world.view().health != "stalled"
    world.run(20)
    view = world.view()
    assert view.health == "stalled"
    assert "nothing done for 5 min" in view.reason
    assert "nothing logged for 5 min" in view.reason
    assert "CPU 0 %" in view.reason
    alert = world.alert("worker_stalled")
    assert alert.subject == "selfplay"
    assert alert.key == "l"
    assert alert.text.startswith("selfplay-1 is stalled: nothing done")


def test_a_worker_that_goes_on_again_is_well_and_its_alert_ends() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (
        record(progress=doing(int(t) if t < 100 or t > 500 else 100), log_age_s=300.0),
    )
    world.run(450)
    assert world.kinds() == ["worker_stalled"]
    world.run(70)
    assert world.kinds() == []
    assert world.view().health == "ok"


def test_a_log_that_grows_buys_patience_but_not_for_ever() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (record(progress=doing(min(int(t), 100)), log_age_s=1.0),)
    world.run(600)  # an epoch that takes its time logs on
    assert world.view().health == "ok"
    world.run(500)
    assert world.view().health == "stalled"


def test_units_that_always_take_long_are_waited_for() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (record(progress=doing(float(int(t / 900))), log_age_s=400.0),)
    world.run(5000)
    assert world.view().health != "stalled"


def test_an_old_word_of_its_own_says_it_even_if_nobody_watched_it_before() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (
        record(progress=doing(7.0, age_s=720.0 + t), log_age_s=720.0 + t),
    )
    world.run(3)
    assert world.view().health == "stalled"
    assert "12 min" in world.view().reason


def test_a_program_without_a_count_is_not_called_stalled() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (record(log_age_s=t, cpu_percent=0.0),)
    world.run(3000)
    assert world.view().health == "unknown"
    assert world.kinds() == []


def test_a_node_that_was_frozen_makes_nobody_stalled() -> None:
    world = Crews("a")
    seen = world.at
    world.scripts["a"] = lambda t: (record(progress=doing(int(min(t, 60))), log_age_s=0.0),)
    world.run(60)
    alive = world.alive["a"]
    world.hush("a")
    world.run(600)
    assert world.view().health == "unknown"
    assert [alert.kind for alert in world.store.alerts] == ["node_down"]
    world.alive["a"] = alive
    world.scripts["a"] = lambda t: (
        record(progress=doing(60 + int(t - 660)), log_age_s=600.0 if t < 662 else 0.0),
    )
    world.run(1)
    assert world.view().health != "stalled"
    assert world.at - seen > 600
    world.run(60)
    assert world.kinds() == []


def test_the_consoles_own_sleep_makes_nobody_stalled() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (record(progress=doing(int(min(t, 60))), log_age_s=400.0),)
    world.run(60)
    world.at += 900.0  # a laptop was closed, and what runs on it slept too
    world.run(3)
    assert world.node("a").state == "up"
    assert world.view().health != "stalled"


def test_limits_are_the_settings_to_choose() -> None:
    rules = AlertRules(worker_stalled=Rule(limit=30.0), worker_slow=Rule(enabled=False))
    world = Crews("a", rules=rules)
    world.scripts["a"] = lambda t: (record(progress=doing(min(int(t), 20)), log_age_s=60.0),)
    world.run(60)
    assert world.kinds() == ["worker_stalled"]


# ------------------------------------------------------------ writer blocked


def test_a_full_disk_under_workers_that_do_nothing_is_the_reason_of_them_all() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: tuple(
        record(f"selfplay-{i}", progress=doing(min(int(t), 100)), log_age_s=0.0) for i in range(4)
    )
    world.alive["a"] = sample(disks=(disk("/", 40), disk("/data", 100)))
    world.run(140)
    assert {view.health for view in world.store.workers()} == {"ok"}  # they still do something
    world.run(60)
    assert {view.health for view in world.store.workers()} == {"writer_blocked"}
    alert = world.alert("worker_writer_blocked")
    assert alert.text.startswith("4 workers are blocked: nothing done for")
    assert (
        "/data is full, so nothing is written (selfplay-0, selfplay-1, selfplay-2, …)" in alert.text
    )
    assert alert.key == "Enter"
    worst = world.store.summary().worst
    assert worst is not None
    assert worst.kind == "worker_writer_blocked"  # before the disk that explains it
    world.alive["a"] = sample(disks=(disk("/", 40), disk("/data", 60)))
    world.scripts["a"] = lambda t: tuple(
        record(f"selfplay-{i}", progress=doing(int(t))) for i in range(4)
    )
    world.run(30)
    assert "worker_writer_blocked" not in world.kinds()


def test_the_disk_of_its_own_dataset_is_asked_and_a_read_only_one_is_named() -> None:
    world = Crews()
    world.add("a", root="/data/run", datasets=())
    world.up(
        "a", sample(disks=(disk("/", 40), disk("/data", 50, read_only=True), disk("/boot", 100)))
    )
    world.scripts["a"] = lambda t: (record(progress=doing(5.0)),)
    world.run(90)
    assert "/data is read-only" in world.view().reason
    world.alive["a"] = sample(disks=(disk("/", 40), disk("/data", 50), disk("/boot", 100)))
    world.run(30)
    assert world.view().health != "writer_blocked"  # another disk is full, not its own


def test_its_own_word_for_why_it_waits_is_told() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (
        record("train", progress=doing(5.0, blocked_because="waiting for data, have 3 of 10")),
    )
    world.run(8)
    assert world.view(name="train").health == "ok"  # not at the first word
    world.run(10)
    view = world.view(name="train")
    assert (view.health, view.reason) == (
        "writer_blocked",
        "it says: waiting for data, have 3 of 10",
    )


@pytest.mark.parametrize(
    ("where", "health"), [("jbd2_log_wait_commit", "writer_blocked"), ("poll_stuff", "stalled")]
)
def test_one_that_hangs_in_the_kernel_is_blocked_or_stalled_and_one_that_works_is_not(
    where: str, health: str
) -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (record(blocked_in=where, cpu_percent=0.0),)
    world.run(40)
    assert world.view().health == health
    assert where in world.view().reason
    world.scripts["a"] = lambda t: (record(blocked_in=where, cpu_percent=60.0),)
    world.run(60)
    assert world.view().health == "ok"


def test_reads_that_wait_now_and_then_are_no_hang() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (
        record(blocked_in="io_schedule" if int(t) % 3 else None, cpu_percent=2.0),
    )
    world.run(300)
    assert world.view().health == "ok"


# ------------------------------------------------------------ slow


def test_slow_is_below_its_own_past_and_says_both_figures() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (at_rate(300.0),)
    world.run(900)
    assert world.view().usual_per_minute == pytest.approx(300)
    world.scripts["a"] = lambda t: (at_rate(40.0),)
    world.run(100)
    assert world.view().health == "ok"  # a dip is no slowness
    world.run(60)
    view = world.view()
    assert view.health == "slow"
    assert "40 a minute, usually 300" in view.reason
    assert world.kinds() == ["worker_slow"]


def test_peers_that_fell_likewise_make_it_a_change_of_work_and_not_slow() -> None:
    world = Crews("a", "b", "c")
    for name in "abc":
        world.scripts[name] = lambda t: (at_rate(300.0),)
    world.run(900)
    for name in "abc":
        world.scripts[name] = lambda t: (at_rate(60.0),)
    world.run(200)
    assert {view.health for view in world.store.workers()} == {"ok"}
    world.scripts["b"] = world.scripts["c"] = lambda t: (at_rate(300.0),)
    world.run(200)
    assert [view.health for view in world.store.workers()] == ["slow", "ok", "ok"]
    assert "its 2 peers do 300" in world.view("a").reason


def test_a_copy_far_behind_its_twins_on_one_machine_is_slow_from_the_start() -> None:
    world = Crews("a", "b")
    world.scripts["a"] = lambda t: (
        at_rate(100.0),
        *(
            record(f"selfplay-{i}", progress=doing(rate_per_minute=310.0, age_s=1.0))
            for i in (2, 3)
        ),
    )
    world.scripts["b"] = lambda t: (at_rate(30.0),)  # another machine may be slower by nature
    world.run(200)
    assert world.view("a").health == "slow"
    assert "its 2 twins on this node do 310" in world.view("a").reason
    assert world.view("b").health == "ok"


# ------------------------------------------------------------ crash loop


def test_crashes_within_minutes_are_a_loop_before_its_supervisor_gives_up() -> None:
    world = Crews("a")
    for attempt in range(1, 4):
        world.report("a", record(attempt=attempt, restarts=attempt - 1))
        world.run(5)
        world.report(
            "a",
            record(
                attempt=attempt,
                restarts=attempt - 1,
                state="backoff",
                exit_code=1,
                restart_in_s=2.0,
            ),
        )
        world.run(3)
    view = world.view()
    assert view.health == "crash_loop"
    assert "3 crashes in ten minutes, the last: exit 1" in view.reason
    assert world.alert("worker_crash_loop").key == "l"
    assert world.store.summary().workers == (("crash-loop", 1),)


def test_waiting_for_data_and_asking_to_run_again_are_no_crashes() -> None:
    world = Crews("a")
    for attempt, code in enumerate((3, 75, 3, 75, 3, 0), 1):
        world.report("a", record(attempt=attempt, state="backoff", exit_code=code))
        world.run(5)
    assert world.view().health == "unknown"
    assert world.kinds() == []


def test_one_that_was_given_up_stays_told_however_often_it_is_reported() -> None:
    world = Crews("a")
    gone = record(state="exited", crash_loop=True, restarts=5, signal=11, attempt=6)
    world.scripts["a"] = lambda t: (gone,)
    world.run(30)
    assert world.view().reason == "given up after 5 restarts, the last: killed by SIGSEGV"
    assert world.kinds() == ["worker_crash_loop"]  # and not a second time as an exit


# ------------------------------------------------------------ other alerts


@pytest.mark.parametrize(
    ("kind", "shown", "words", "key"),
    [
        ("worker_lost", record("x", state="lost", lost_reason="reboot", last_seen_at=1.0),
         ["x is lost: the node was started anew, last seen 1970-01-01", "wanted running"], "r"),
        ("worker_lost", record("x", state="lost", lost_reason="supervisor"),
         ["its supervisor was killed"], "o"),
        ("worker_exited_badly", record("x", state="exited", signal=9, oom=True),
         ["wanted running, killed by SIGKILL (out of memory)"], "l"),
        ("worker_exited_badly", record("x", state="exited", error="no such file: /x/python"),
         ["could not be started: no such file: /x/python"], "l"),
        ("worker_kill_pending", record("x", state="stopping", desired="stopped",
         kill_pending=("4711 in D state (ext4_sync)",)), ["4711 in D state (ext4_sync)"], "s"),
        ("worker_unguarded", record("x", flags=("unguarded",)), ["unguarded"], "r"),
        ("worker_warning", record("x", warnings=("no hole punching here: logs are not rotated",)),
         ["logs are not rotated"], "d"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_each_other_trouble_is_one_sentence_with_its_key(
    kind: str, shown: WorkerRecord, words: list[str], key: str
) -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (shown,)
    world.run(15)
    assert world.kinds() == [kind]
    alert = world.alert(kind)
    assert all(word in alert.text for word in words), alert.text
    assert alert.key == key
    assert "\n" not in alert.text


def test_an_alert_knows_the_workers_that_it_is_about() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (
        record("w-1"),
        record("w-2", state="exited", exit_code=1),
        record("w-3", state="exited", exit_code=1),
        record("other", state="exited", exit_code=1),
    )
    world.run(2)
    about = {
        alert.subject: [view.name for view in concerned(alert, world.store.workers_of("a"))]
        for alert in world.store.alerts
    }
    assert about == {"w": ["w-2", "w-3"], "other": ["other"]}


def test_what_a_person_ended_or_what_is_done_raises_nothing() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (
        record("done", kind="job", state="exited", exit_code=0),
        record("stopped", state="stopped", desired="stopped", signal=9),
        record("asked", kind="command", state="exited", exit_code=1),
        record("drained", state="stopped", desired="drained", exit_code=0),
    )
    world.run(60)
    assert world.kinds() == []
    assert world.store.summary().workers == ()


def test_an_earlier_runs_end_raises_nothing_once_a_newer_one_lives() -> None:
    world = Crews("a")
    world.report("a", record("x", run_id="1", state="exited", exit_code=1))
    world.run(2)
    assert world.kinds() == ["worker_exited_badly"]
    world.report("a", record("x", run_id="2"), record("x", run_id="1", state="exited", exit_code=1))
    world.run(2)
    assert world.kinds() == []


def test_alerts_of_workers_are_suspended_while_their_node_cannot_be_seen() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (record("x", state="exited", exit_code=1),)
    world.run(2)
    world.lose("a")
    world.run(60)
    assert world.alert("worker_exited_badly").suspended
    world.up("a")
    world.scripts.clear()
    world.run(3)  # no word of the workers yet
    assert world.alert("worker_exited_badly").suspended
    world.report("a", record("x"))
    world.run(2)
    assert world.kinds() == []


def test_an_exit_is_known_as_soon_as_it_is_told() -> None:
    world = Crews("a")
    world.report("a", record("x"))
    world.run(30)
    told: list[str] = []
    world.store.subscribe(lambda change: told.append(world.view("a", "x").record.state))
    told.clear()
    world.report("a", record("x", state="exited", exit_code=137))
    assert told
    assert set(told) == {"exited"}
    assert world.kinds() == ["worker_exited_badly"]
