"""Work on several nodes: limits, tries, what the end says."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from typing import Any

import pytest

from workers.harness import Misconfigured, NoDataYet, Worker, WorkerError
from workers.jobs.crew import Crew, Skip
from workers.jobs.document import Cap, Limits
from workers.jobs.errors import NoRoom, NotReached, Passing, SomeFailed
from workers.jobs.parts import Part, Parts


def crew(*names: str, **limits: Any) -> Crew:
    worker = Worker("file", 5.0)
    return Crew(worker, Limits(**limits), Parts(worker, names, "file"), first_pause_s=0.01)


def states(crew: Crew) -> dict[str, str]:
    return {part.name: part.state for part in crew.parts}


def test_never_more_at_once_than_the_limit() -> None:
    found, lock, inside, most = crew(*"abcdef", concurrency=2), threading.Lock(), 0, 0

    def act(part: Part) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.02)
        with lock:
            inside -= 1

    found.work(list("abcdef"), act)
    found.finish()
    assert most == 2
    assert set(states(found).values()) == {"done"}


def test_a_passing_fault_is_tried_again_and_others_are_not() -> None:
    tries: dict[str, int] = {}

    def act(part: Part) -> str:
        tries[part.name] = tries.get(part.name, 0) + 1
        if part.name == "a" and tries["a"] < 3:
            raise Passing("connection reset")
        if part.name == "b":
            raise Misconfigured("no such folder")
        return "3 files"

    found = crew("a", "b", retries=3)
    found.work(["a", "b"], act)
    with pytest.raises(SomeFailed, match="partial: 1 of 2 nodes; b: no such folder") as caught:
        found.finish()
    assert caught.value.code == 1
    assert caught.value.phase == "partial"
    assert tries == {"a": 3, "b": 1}
    assert found.parts["a"].message == "3 files"


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ((NotReached("x"), NotReached("y")), 3),
        ((NoRoom("x"), NoRoom("y")), 6),
        ((NotReached("x"), NoRoom("y")), 1),
    ],
)
def test_where_all_fail_the_code_is_the_one_they_share(
    errors: tuple[WorkerError, WorkerError], code: int
) -> None:
    def act(part: Part) -> None:
        raise errors[0 if part.name == "a" else 1]

    found = crew("a", "b", retries=0)
    found.work(["a", "b"], act)
    with pytest.raises(WorkerError) as caught:
        found.finish()
    assert caught.value.code == code
    assert isinstance(caught.value, NoDataYet) == (code == 3)


def test_a_skipped_node_is_no_failure_and_an_unexpected_error_is_one() -> None:
    def act(part: Part) -> None:
        if part.name == "a":
            raise Skip("its sync is switched off")
        raise ZeroDivisionError("x")

    found = crew("a", "b", "c", retries=0)
    found.work(["a"], act)
    assert states(found)["a"] == "skipped"
    found.work(["b"], act)
    found.work(["c"], lambda part: None)
    with pytest.raises(SomeFailed, match="b: ZeroDivisionError: x"):
        found.finish()


def test_a_stop_ends_the_pauses_and_names_what_was_not_done() -> None:
    found = crew("a", "b", concurrency=1, retries=5)

    def act(part: Part) -> None:
        found.worker.stop(signal.SIGTERM)
        raise NotReached("no answer")

    found.work(["a", "b"], act)
    found.finish()
    assert states(found) == {"a": "failed", "b": "failed"}
    assert found.parts["b"].message == "stopped"


def test_the_time_limit_ends_the_job() -> None:
    found = crew("a", "b", concurrency=1, timeout_s=0.05)

    def act(part: Part) -> None:
        while True:
            found.check()
            threading.Event().wait(0.01)

    found.work(["a", "b"], act)
    with pytest.raises(WorkerError, match=r"took longer than 0\.05 s"):
        found.finish()


def test_parts_sum_up() -> None:
    worker = Worker("file", 5.0)
    parts = Parts(worker, ["a", "b"], "file")
    parts["a"].say(state="running", done=1, total=3)
    assert worker._known["done"] == 1
    assert worker._known["total"] is None
    parts["b"].say(state="skipped", message="nothing")
    assert worker._known["total"] == 3
    with pytest.raises(TypeError, match="no speed"):
        parts["a"].say(speed=1)


def test_a_group_has_fewer_at_a_time_and_the_others_do_not_wait_for_it() -> None:
    cap = Cap("tag:home", concurrency=1)
    names = ("h1", "h2", "h3", "a", "b")
    found = crew(*names, concurrency=3, caps=dict.fromkeys(("h1", "h2", "h3"), cap))
    lock, now, most, order = threading.Lock(), Counter[str](), Counter[str](), []

    def act(part: Part) -> None:
        kind = part.name[0]
        with lock:
            now[kind] += 1
            most[kind] = max(most[kind], now[kind])
            order.append(part.name)
        time.sleep(0.05)
        with lock:
            now[kind] -= 1

    found.work(names, act)
    assert most["h"] == 1
    assert sorted(order) == sorted(names)
    assert set(order[:3]) == {"h1", "a", "b"}


def test_the_least_bandwidth_that_anyone_allows_holds() -> None:
    limits = Limits(bandwidth_kib_s=100, caps={"h": Cap("g", 0, 10), "f": Cap("f", 1, 0)})
    assert limits.bandwidth("h", "x") == 10
    assert limits.bandwidth("f", "x") == 100
    assert Limits().bandwidth("x") == 0
