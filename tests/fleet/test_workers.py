"""Workers as they are known: which run counts, what is no longer seen, and how fast units come."""

from __future__ import annotations

import pytest

from console.fleet.events import HeartbeatArrived, LinkUp, WorkerTold
from console.fleet.workers.groups import counts, group_words, groups
from tests.fleet.crews import Crews, doing, record
from tests.fleet.world import hello
from workers.protocol import DatasetCount, Heartbeat


def test_the_newest_run_of_a_name_counts_and_the_earlier_ones_are_its_past() -> None:
    world = Crews("a", "b")
    world.report(
        "a",
        record("x", run_id="new", state="exited", exit_code=0),
        record("x", run_id="old", state="lost", lost_reason="reboot"),
        record("y", run_id="y2", state="exited", exit_code=1),
        record("y", run_id="y1"),
    )
    world.report("b", record("x", run_id="other"))
    assert [view.key for view in world.store.workers()] == [
        ("a", "new"),
        ("a", "y1"),  # what lives is what commands act on
        ("b", "other"),
    ]
    earlier = {view.record.run_id: view.newest for view in world.store.workers(earlier=True)}
    assert earlier == {"new": True, "old": False, "y2": False, "y1": True, "other": True}


def test_a_run_that_was_answered_is_known_though_a_report_that_is_older_comes_after_it() -> None:
    world = Crews("a")
    world.report("a", record("x"))
    world.apply(WorkerTold("a", world.at, record("y", pid=1)))
    assert {view.name for view in world.store.workers()} == {"x", "y"}
    world.report("a", record("x"))  # it was on its way when y was started
    assert {view.name for view in world.store.workers()} == {"x", "y"}
    world.report("a", record("y", pid=2), record("x"))
    assert world.view("a", "y").record.pid == 2
    world.report("a", record("x"))
    assert {view.name for view in world.store.workers()} == {"x"}, "forgotten on the node"
    world.apply(WorkerTold("a", world.at, record("z")))
    world.run(5)
    world.report("a", record("x"))
    assert {view.name for view in world.store.workers()} == {"x"}, (
        "no report has it: it is not there"
    )


def test_workers_of_a_node_that_went_down_are_kept_with_their_age_and_never_shown_as_running_now() -> (
    None
):
    world = Crews("a")
    world.scripts["a"] = lambda t: (record("x", progress=doing(int(t))),)
    world.run(60)
    before = world.view("a", "x")
    assert (before.reachable, before.age_s, before.health) == (True, 0.0, "ok")
    world.hush("a")
    world.run(4)  # stale already says so
    assert (world.view("a", "x").reachable, world.node("a").state) == (False, "stale")
    world.run(300)
    view = world.view("a", "x")
    assert world.node("a").state == "down"
    assert view.live  # as last known
    assert (view.reachable, view.health) == (False, "unknown")
    assert view.age_s == pytest.approx(304, abs=2)
    assert view.running_s == pytest.approx(before.running_s or 0, abs=2)  # it stood still with us
    assert "as last seen 5 min ago" in view.sentence
    assert world.store.summary().workers == (("unseen", 1),)


def test_after_a_reconnect_nothing_counts_as_seen_before_the_node_told_again() -> None:
    world = Crews("a")
    world.report("a", record("x"))
    world.lose("a")
    world.run(30)
    world.up("a")
    world.run(3)
    assert not world.view("a", "x").reachable
    assert world.view("a", "x").age_s > 30
    world.report("a", record("x", state="exited", exit_code=0))
    assert world.view("a", "x").reachable
    assert not world.view("a", "x").live


def test_a_silent_link_that_comes_back_needs_no_new_report_where_nothing_changed() -> None:
    world = Crews("a")
    world.report("a", record("x"))
    world.hush("a")
    world.run(40)
    assert not world.view("a", "x").reachable
    world.apply(HeartbeatArrived("a", world.at, Heartbeat(9, world.clock, 1.0), world.clock))
    world.tick()
    assert world.view("a", "x").reachable


def test_another_machine_under_the_name_brings_its_own_workers() -> None:
    world = Crews("a")
    world.report("a", record("x"))
    world.lose("a")
    world.apply(LinkUp("a", world.at, hello("another"), world.clock))
    assert world.store.workers() == ()


def test_a_machine_of_two_entries_shows_its_workers_once() -> None:
    world = Crews("a")
    world.add("b")
    world.up("b", key="a")
    for name in ("a", "b"):
        world.report(name, record("x"))
    assert [view.node for view in world.store.workers()] == ["a"]
    world.report("b", record("x"), record("y"))  # the other login keeps its runs elsewhere
    assert [(view.node, view.name) for view in world.store.workers()] == [("a", "x"), ("b", "y")]


def test_run_directories_that_cannot_be_read_hide_the_workers_and_do_not_end_them() -> None:
    world = Crews("a")
    world.report("a", record("x"))
    world.report("a", fault="/state/runs: permission denied")
    view = world.view("a", "x")
    assert view.live
    assert not view.reachable
    world.report("a", record("x"))
    assert world.view("a", "x").reachable


# ------------------------------------------------------------ units per minute


def test_its_own_word_is_its_rate_while_it_is_fresh() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (
        record(progress=doing(5.0, total=100.0, rate_per_minute=0.5, age_s=max(0.0, t - 60))),
    )
    world.run(30)
    assert world.view().per_minute == 0.5
    assert world.view().eta_s == pytest.approx(190 * 60)
    world.run(300)
    assert world.view().per_minute != 0.5


def test_without_a_word_the_rate_is_what_the_count_rose_by() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (record(progress=doing(1000 + int(t) * 3)),)
    world.run(5)
    assert world.view().per_minute is None  # unknown, not 0
    world.run(120)
    assert world.view().per_minute == pytest.approx(180, rel=0.05)
    assert world.view().eta_s is None  # no end is known
    done = [value for _, value in world.view().history.done]
    assert len(done) > 10
    assert done == sorted(value for value in done if value is not None)


def test_units_that_take_minutes_have_a_rate_too_and_one_that_stopped_has_0() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (record(progress=doing(min(int(t / 600), 6.0))),)
    world.run(1900)
    assert world.view().per_minute == pytest.approx(0.1, rel=0.1)
    world.run(7000)
    assert world.view().per_minute == 0.0


def test_a_new_attempt_counts_from_its_own_beginning() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (record(progress=doing(int(t))),)
    world.run(100)
    world.scripts["a"] = lambda t: (record(attempt=2, progress=doing(int(t - 100) * 2)),)
    world.run(5)
    assert world.view().per_minute is None
    world.run(60)
    assert world.view().per_minute == pytest.approx(120, rel=0.1)


def test_a_datasets_rate_is_divided_among_the_runs_that_name_it() -> None:
    world = Crews("a")
    copies = tuple(record(f"w-{i}", progress_dataset="hex8") for i in range(4))
    other = record("train", progress=doing(1.0), progress_dataset="hex8", state="exited")
    world.scripts["a"] = lambda t: (*copies, other)
    for minute in range(12):
        world.count("a", DatasetCount("hex8", 1, 400 * minute, 5))
        world.run(60)
    view = world.view("a", "w-2")
    assert view.shared_by == 4
    assert view.per_minute == pytest.approx(100, rel=0.15)


def test_unknown_is_never_0() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (record(progress=None),)
    world.run(400)
    view = world.view()
    assert (view.per_minute, view.eta_s, view.health) == (None, None, "unknown")
    assert all(value is None for _, value in view.history.per_minute)


def test_a_short_time_out_of_sight_keeps_the_rate_and_a_long_one_forgets_it() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (record(progress=doing(int(t))),)
    world.run(100)
    alive = world.alive["a"]
    world.hush("a")
    world.run(20)
    world.alive["a"] = alive
    world.run(2)
    assert world.view().per_minute == pytest.approx(60, rel=0.1)
    world.hush("a")
    world.run(600)
    world.alive["a"] = alive
    world.run(3)
    assert world.view().per_minute is None  # if it was frozen meanwhile, a mean would mislead


def test_what_is_kept_of_each_worker_is_bounded() -> None:
    world = Crews("a")
    world.scripts["a"] = lambda t: (record(progress=doing(int(t)), cpu_percent=90.0),)
    world.run(2000)
    assert len(world.view().history.cpu) <= 120
    world.scripts["a"] = lambda t: ()
    world.run(1)
    assert world.store.workers() == ()


# ------------------------------------------------------------ told together


def test_copies_are_told_together_and_what_is_wrong_first() -> None:
    world = Crews("a")
    world.report(
        "a",
        record("selfplay-1", progress=doing(1.0, rate_per_minute=100.0, age_s=1.0)),
        record("selfplay-2", progress=doing(1.0, rate_per_minute=200.0, age_s=1.0)),
        record("train", state="exited", exit_code=4),
        record("done", state="exited", exit_code=0),
        record("ended", state="stopped", desired="stopped", exit_code=143),
        record("cmd", kind="command", state="exited", exit_code=1),
    )
    told = groups(world.store.workers())
    assert [(g.stem, len(g.views), g.word, g.per_minute) for g in told] == [
        ("train", 1, "failed", None),
        ("selfplay", 2, "run", 300.0),
    ]
    assert group_words(told[0]) == "exit 4 (configuration)"
    assert counts(world.store.workers()) == (("run", 2), ("failed", 1))
