"""A run directory as agents and the pair share it."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from tests.supervisor_state.runs import RUN_ID, SPEC, finish, runs_in, seen_afresh
from workers.protocol import WorkerSpec
from workers.supervisor.desired import Desired, Superseded
from workers.supervisor.run import Run
from workers.supervisor.runs import RunExists, Runs


def test_a_fresh_run_is_created_and_wanted(run: Run) -> None:
    again = seen_afresh(run)
    assert again.spec() == SPEC
    assert again.condition().state == "created"
    wanted = again.desired()
    assert (wanted.sequence, wanted.want, wanted.act, wanted.by) == (
        1,
        "running",
        "start",
        "ada@desk",
    )
    assert again.faults() == ()
    assert again.unreadable is None
    assert again.newest_attempt() is None
    assert again.paths.token == f"key:{RUN_ID}"


def test_the_same_id_again_is_the_same_run(runs: Runs, run: Run) -> None:
    with pytest.raises(RunExists) as caught:
        runs.create(SPEC._replace(name="other"))
    assert caught.value.run is run
    assert runs.all() == [run]
    assert run.spec().name == "train-1"


@pytest.mark.parametrize("name", ["", "../x", ".new-1", "a/b", "a b", "ü"])
def test_an_id_that_is_no_plain_name_makes_nothing(runs: Runs, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name"):
        runs.create(SPEC._replace(run_id=name))
    assert not Path(runs.folder).exists()


def test_what_one_appends_another_sees(run: Run) -> None:
    watching = seen_afresh(run)
    assert watching.condition().state == "created"
    run.append("intent", attempt=1)
    assert watching.condition().state == "starting"
    run.append("started", attempt=1, pid=77, ticks=5)
    now = watching.condition()
    assert (now.state, now.pid, now.ticks, now.attempt) == ("running", 77, 5, 1)
    assert [event["seq"] for event in watching.events()] == [1, 2, 3]
    paths = watching.newest_attempt()
    assert paths is not None
    assert paths.folder.endswith("attempt-0001")


def test_an_unchanged_history_is_not_read_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    finish(run)
    os.utime(run.paths.events, (1e9, 1e9))
    os.utime(run.paths.desired, (1e9, 1e9))
    watching = seen_afresh(run)
    before = watching.condition(), watching.spec(), watching.desired(), watching.faults()
    os.utime(run.paths.spec, (1e9, 1e9))
    watching.faults()

    def refuse(*_: object, **__: object) -> int:
        raise AssertionError("read again")

    monkeypatch.setattr(os, "open", refuse)
    assert (watching.condition(), watching.spec(), watching.desired(), watching.faults()) == before


def test_each_wish_has_its_number(run: Run) -> None:
    stop = run.want("stop", "ada@desk", 2.5)
    assert (stop.sequence, stop.want, stop.grace_s, stop.by) == (2, "stopped", 2.5, "ada@desk")
    assert seen_afresh(run).desired() == stop
    assert run.want("restart", "bob@desk").want == "running"
    assert run.want("drain", "bob@desk", expected=3).want == "drained"


def test_who_did_not_know_the_last_wish_is_told_it(run: Run) -> None:
    other = seen_afresh(run)
    other.desired()
    run.want("stop", "ada@desk")
    with pytest.raises(Superseded, match="ada@desk") as caught:
        other.want("restart", "bob@desk", expected=1)
    assert caught.value.current.act == "stop"
    assert run.desired().act == "stop"


def test_wishes_at_one_time_all_count(run: Run) -> None:
    found: list[int] = []

    def wish() -> None:
        found.append(seen_afresh(run).want("stop", "x").sequence)

    threads = [threading.Thread(target=wish) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(2, 14))
    assert run.desired().sequence == 13


def test_nothing_that_is_no_wish_is_written(run: Run) -> None:
    with pytest.raises(ValueError, match="explode"):
        run.want("explode", "x")
    assert run.desired().sequence == 1


def test_of_two_wishes_with_one_number_one_loses(run: Run) -> None:
    won: list[Desired] = []
    lost: list[Superseded] = []

    def wish(act: str) -> None:
        try:
            won.append(seen_afresh(run).want(act, act, expected=1))
        except Superseded as superseded:
            lost.append(superseded)

    threads = [threading.Thread(target=wish, args=(act,)) for act in ("stop", "drain", "kill")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert [one.current for one in lost] == [won[0], won[0]]


def test_runs_are_listed_newest_first_whatever_their_names(runs: Runs) -> None:
    for name in ("c1", "a2", "b3"):
        runs.create(WorkerSpec(name, "same", ("true",)))
    assert [run.run_id for run in runs.all()] == ["b3", "a2", "c1"]
    newest = runs.newest_named("same")
    assert newest is not None
    assert newest.run_id == "b3"
    assert runs.newest_named("other") is None


def test_a_run_made_by_another_is_seen_at_once(tmp_path: Path) -> None:
    here, there = runs_in(tmp_path), runs_in(tmp_path)
    for number in range(30):
        there.create(WorkerSpec(f"r{number}", "n", ("true",)))
        assert len(here.all()) == number + 1


def test_a_run_made_within_one_tick_of_the_clock_is_seen(tmp_path: Path) -> None:
    """Its folder's times are then those that were there before."""
    here, there = runs_in(tmp_path), runs_in(tmp_path)
    there.create(SPEC)
    os.utime(there.folder)
    assert len(here.all()) == 1
    before = os.stat(there.folder)
    there.create(WorkerSpec("second", "n", ("true",)))
    os.utime(there.folder, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert len(here.all()) == 2


def test_the_live_run_of_a_name(runs: Runs) -> None:
    first = finish(runs.create(WorkerSpec("a", "n", ("true",))))
    assert runs.live_named("n") is None
    lock = first.take()
    assert lock is not None
    assert runs.live_named("n") is first  # somebody takes care of it
    os.close(lock)
    second = runs.create(WorkerSpec("b", "n", ("true",)))
    assert runs.live_named("n") is second


def test_a_later_release_is_readable(run: Run) -> None:
    """Unknown fields, unknown kinds of events, a higher schema."""
    from workers.supervisor import storage

    body = json.loads(Path(run.paths.spec).read_bytes())
    del body["crc"]
    storage.write_sealed(run.paths.spec, body | {"schema": 9, "invented": {"deep": [1]}})
    wish = json.loads(Path(run.paths.desired).read_bytes())
    del wish["crc"]
    storage.write_sealed(run.paths.desired, wish | {"schema": 9, "mood": "good"})
    run.append("teleported", to="mars")
    run.append("intent", attempt=1, invented=[{}])
    again = seen_afresh(run)
    assert again.faults() == ()
    assert again.spec() == SPEC._replace(schema=9)
    assert again.desired().sequence == 1
    assert again.condition().attempt == 1


def test_an_earlier_release_is_readable(run: Run) -> None:
    """Only what has no default."""
    from workers.supervisor import storage

    storage.write_sealed(run.paths.spec, {"run_id": RUN_ID, "name": "n", "command": ["true"]})
    storage.write_sealed(run.paths.desired, {"sequence": 4, "want": "stopped", "act": "stop"})
    again = seen_afresh(run)
    assert again.spec() == WorkerSpec(RUN_ID, "n", ("true",))
    assert again.desired() == Desired(4, "stopped", "stop")
    assert again.faults() == ()
