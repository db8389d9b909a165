"""The verbs for workers, on nodes in memory: once is once, refused is refused, unknown is said as unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from console.backends.memory import Program
from console.errors import RequestFailed, UsageError
from console.operations.waiting import is_over, is_running
from console.operations.workers import StartRequest, Target, Verdict
from console.runtime import Runtime
from tests.backends.memory_agent import MemoryNode, load_settings, runtime_on, told
from tests.runtimes import until
from workers.protocol import CommandWorker, Orphan, StartWorker

PRESETS = """
nodes: [a, b]
presets:
  - {name: play, command: [python3, play.py], nodes: "tag:play", copies: 2, restart: on-failure, gpus: 1}
  - {name: train, command: [python3, train.py, --lr, "1 e-3"], directory: runs, lock: {name: trainer, scope: fleet}, nodes: "a b"}
  - {name: serve, command: [serve], lock: door, environment: {PORT: "80", KEY: {from_env: KEY}}, drain: true}
"""


def programs(command: Sequence[str]) -> Program:
    if command[0] == "stubborn":
        return Program(obeys=False)
    return Program(exit_code=int(command[1])) if command[0] == "exit" else Program()


@pytest.fixture
def a() -> MemoryNode:
    return MemoryNode("a", programs, gpus=3, tags=("play",))


@pytest.fixture
def b() -> MemoryNode:
    return MemoryNode("b", programs)


@pytest.fixture
async def runtime(tmp_path: Path, a: MemoryNode, b: MemoryNode):  # type: ignore[no-untyped-def]
    async with runtime_on(load_settings(tmp_path, PRESETS), a, b) as running:
        await told(running, "a", "b")
        yield running


async def start(runtime: Runtime, *command: str, name: str = "w", node: str = "a") -> Target:
    plan = runtime.workers.plan(StartRequest((node,), command=command or ("sleep", "9"), name=name))
    (outcome,) = await runtime.workers.start(plan)
    assert outcome.done, outcome
    target = Target(node, outcome.run_id, name)
    await until(lambda: any(v.key == outcome.key for v in runtime.store.workers()))
    return target


def live(node: MemoryNode) -> list[str]:
    return sorted(r.name for r in node.backend.report.workers if r.state == "running")


# ---------------------------------------------------------------- plans


async def test_a_plan_names_every_run_and_its_exact_command(runtime: Runtime) -> None:
    plan = runtime.workers.plan(StartRequest(preset="play"))
    assert [(s.node, s.spec.name) for s in plan.starts] == [("a", "play-1"), ("a", "play-2")]
    assert plan.starts[0].spec.restart.policy == "on-failure"
    train = runtime.workers.plan(StartRequest(("a",), preset="train"))
    assert train.starts[0].shown == "cd runs && python3 train.py --lr '1 e-3'"
    serve = runtime.workers.plan(
        StartRequest(("tag:play",), preset="serve", environment=(("PORT", "8 0"),))
    )
    assert serve.starts[0].shown == "PORT='8 0' KEY=<env KEY> serve"
    assert serve.starts[0].spec.secrets[0].reference == "KEY"
    own = runtime.workers.plan(
        StartRequest(("a",), preset="serve", environment=(("KEY", "mine"),), restart="always", grace_s=3.0)
    ).starts[0].spec  # fmt: skip
    assert (own.secrets, own.restart.policy, own.grace_s) == ((), "always", 3.0)
    assert len({s.spec.run_id for s in plan.starts}) == 2


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (StartRequest(("a",)), "nothing to start"),
        (StartRequest(("c",), command=("x",)), "no node named c"),
        (StartRequest(preset="ply"), "no preset named ply; did you mean play"),
        (StartRequest(command=("x",)), "on which node"),
        (StartRequest(("a",), command=("x",), name="a/b"), "name"),
        (StartRequest(("a",), command=("x",), copies=0), "copies"),
        (StartRequest(("a",), command=("x",), restart="often"), "never, on-failure, always"),
        (StartRequest(("a",), command=("x\0",)), "NUL"),
    ],
)
async def test_what_cannot_be_meant(runtime: Runtime, request_: StartRequest, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        runtime.workers.plan(request_)


async def test_a_check_asks_the_nodes_and_changes_nothing(runtime: Runtime, a: MemoryNode) -> None:
    plan = await runtime.workers.check(runtime.workers.plan(StartRequest(preset="play")))
    assert plan.ok
    assert plan.starts[0].gpu_indices == (0, 1), "the GPUs of both copies"
    many = await runtime.workers.check(
        runtime.workers.plan(StartRequest(("a", "b"), preset="play", copies=4))
    )
    assert any("4 GPUs" in refusal for refusal in many.refusals)
    assert "not for b" in many.warnings[0]
    assert not a.backend.report.workers


# ---------------------------------------------------------------- starting


async def test_copies_start_on_all_nodes_and_the_same_plan_again_starts_nothing(
    runtime: Runtime, a: MemoryNode, b: MemoryNode
) -> None:
    plan = runtime.workers.plan(
        StartRequest(("a", "b"), command=("sleep", "9"), name="w", copies=2)
    )
    for _ in range(2):
        outcomes = await runtime.workers.start(plan)
        assert [o.verdict for o in outcomes] == [Verdict.DONE] * 4
    assert live(a) == live(b) == ["w-1", "w-2"]
    entry = runtime.audit.tail()[0]
    assert (entry.verb, entry.result) == ("workers.start", "running")
    assert entry.argv[-2:] == ("sleep", "9")


async def test_a_live_name_is_refused_and_names_its_run(runtime: Runtime, a: MemoryNode) -> None:
    target = await start(runtime)
    plan = runtime.workers.plan(StartRequest(("a",), command=("sleep", "9"), name="w"))
    (outcome,) = await runtime.workers.start(plan)
    assert outcome.verdict is Verdict.REFUSED
    assert target.run_id[:12] in outcome.text
    assert live(a) == ["w"]


async def test_a_lost_reply_is_asked_for_again_and_starts_no_second_worker(
    runtime: Runtime, a: MemoryNode
) -> None:
    lost: list[object] = []

    def first(message: object) -> bool:
        if isinstance(message, StartWorker):
            lost.append(message)
        return len(lost) == 1

    a.lose = first
    (outcome,) = await runtime.workers.start(
        runtime.workers.plan(StartRequest(("a",), command=("sleep", "9"), name="w"))
    )
    assert outcome.done
    assert len(lost) == 2
    assert live(a) == ["w"]


async def test_what_was_sent_and_never_answered_is_unknown(
    runtime: Runtime, a: MemoryNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.operations.reach.BACK_WITHIN_S", 0.2)

    def lose(_: object) -> bool:
        a.refuse_links = True
        return True

    a.lose = lose
    (outcome,) = await runtime.workers.start(
        runtime.workers.plan(StartRequest(("a",), command=("sleep", "9"), name="w"))
    )
    assert outcome.verdict is Verdict.UNKNOWN
    assert "unknown" in outcome.text
    assert runtime.audit.tail()[0].result.startswith("unknown")


async def test_a_node_that_is_not_there_says_that_nothing_was_sent(
    runtime: Runtime, a: MemoryNode, b: MemoryNode
) -> None:
    a.refuse_links = True
    await a.cut()
    await until(lambda: runtime.store.nodes["a"].lost is not None)
    outcomes = await runtime.workers.start(
        runtime.workers.plan(StartRequest(("a", "b"), command=("sleep", "9"), name="w"))
    )
    assert [o.verdict for o in outcomes] == [Verdict.UNREACHABLE, Verdict.DONE]
    assert live(b) == ["w"]


# ---------------------------------------------------------------- locks


async def test_a_fleets_lock_is_held_by_one(runtime: Runtime, a: MemoryNode, b: MemoryNode) -> None:
    train = StartRequest(("a",), preset="train")
    assert "only one may live" in runtime.workers.plan(StartRequest(preset="train")).refusals[0]
    plan = await runtime.workers.check(runtime.workers.plan(train))
    assert plan.ok
    (outcome,) = await runtime.workers.start(plan)
    assert outcome.done
    await until(lambda: runtime.store.workers())
    other = StartRequest(("b",), preset="train")
    refused = await runtime.workers.check(runtime.workers.plan(other))
    assert "held on a by train" in refused.refusals[0]
    (outcome,) = await runtime.workers.start(runtime.workers.plan(other))
    assert (outcome.verdict, live(b)) == (Verdict.REFUSED, [])
    await runtime.workers.act([Target("a", plan.starts[0].spec.run_id, "train")], "stop")
    await until(lambda: not any(v.live for v in runtime.store.workers()))
    (outcome,) = await runtime.workers.start(runtime.workers.plan(other))
    assert outcome.done


async def test_a_node_that_cannot_be_asked_may_hold_the_fleets_lock(
    runtime: Runtime, b: MemoryNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.operations.locks.ANSWER_WITHIN_S", 0.2)
    b.refuse_links = True
    await b.cut()
    await until(lambda: runtime.store.nodes["b"].lost is not None)
    (outcome,) = await runtime.workers.start(
        runtime.workers.plan(StartRequest(("a",), preset="train"))
    )
    assert outcome.verdict is Verdict.REFUSED
    assert "cannot be asked: b (" in outcome.text


# ---------------------------------------------------------------- acting


async def test_names_are_resolved_and_ambiguous_ones_named(runtime: Runtime) -> None:
    one = await start(runtime, name="w-1")
    two = await start(runtime, name="w-1", node="b")
    await start(runtime, name="w-2", node="b")
    find = runtime.workers.find
    assert [t.run_id for t in find(["w-1@b"])] == [two.run_id]
    assert [t.run_id for t in find(["a/w-1"])] == [one.run_id]
    assert [t.run_id for t in find(["w-1"], ["b"])] == [two.run_id]
    assert [t.run_id for t in find([one.run_id[:10]])] == [one.run_id]
    assert {str(t) for t in find(["w-*"])} == {"w-1@a", "w-1@b", "w-2@b"}
    assert len(find(["w-2", "w-2@b"])) == 1
    with pytest.raises(UsageError, match="w-1@a, w-1@b"):
        find(["w-1"])
    with pytest.raises(UsageError, match="no worker 'w'; did you mean w-1"):
        find(["w"])


async def test_a_name_means_its_newest_run(runtime: Runtime) -> None:
    await start(runtime, "exit", "0")
    newest = await start(runtime)
    (found,) = runtime.workers.find(["w"])
    assert found.run_id == newest.run_id


async def test_each_act_reaches_its_end(runtime: Runtime, a: MemoryNode) -> None:
    target = await start(runtime)
    (outcome,) = await runtime.workers.act([target], "restart")
    assert outcome.record is not None
    assert outcome.record.attempt == 2
    (outcome,) = await runtime.workers.act([target], "drain")
    assert (outcome.verdict, "drain" in outcome.text) == (Verdict.REFUSED, True)
    (outcome,) = await runtime.workers.act([target], "stop", grace_s=4.0)
    assert outcome.done
    (ended,) = await runtime.workers.wait([target], is_over, 5.0)
    assert ended.done
    (again,) = await runtime.workers.wait([target], is_running, 5.0)
    assert again.verdict is Verdict.FAILED
    assert [m.grace_s for m in a.asked if isinstance(m, CommandWorker)][-1] == 4.0
    with pytest.raises(UsageError, match="wanted one of"):
        await runtime.workers.act([target], "pause")


async def test_waiting_ends_when_the_time_is_up(runtime: Runtime) -> None:
    target = await start(runtime, "stubborn")
    await runtime.workers.act([target], "stop")
    (outcome,) = await runtime.workers.wait([target], is_over, 0.3)
    assert (outcome.verdict, "stopping" in outcome.text) == (Verdict.FAILED, True)
    await runtime.workers.act([target], "kill")
    (outcome,) = await runtime.workers.wait([target], is_over, 5.0)
    assert outcome.done


async def test_of_two_consoles_the_one_that_saw_less_is_told(
    runtime: Runtime, a: MemoryNode, b: MemoryNode, tmp_path: Path
) -> None:
    target = await start(runtime)
    (seen,) = runtime.workers.find(["w"])
    loaded = load_settings(tmp_path / "other", PRESETS)
    async with runtime_on(loaded, a, b) as other:
        await told(other, "a")
        (mine,) = other.workers.find(["w"])
        (outcome,) = await other.workers.act([mine], "restart")
        assert outcome.done
    (outcome,) = await runtime.workers.act([seen], "kill")
    assert outcome.verdict is Verdict.REFUSED
    assert "since" in outcome.text
    assert live(a) == ["w"]
    await until(lambda: runtime.workers.target((target.node, target.run_id)).sequence == 1)
    (outcome,) = await runtime.workers.act([(target.node, target.run_id)], "kill")
    assert outcome.done


async def test_ones_own_second_thought_is_no_conflict(runtime: Runtime) -> None:
    await start(runtime, "stubborn")
    (seen,) = runtime.workers.find(["w"])
    for act in ("stop", "kill"):
        (outcome,) = await runtime.workers.act([seen], act)
        assert outcome.done, outcome


async def test_a_lost_reply_to_a_stop_is_not_taken_for_anothers_doing(
    runtime: Runtime, a: MemoryNode
) -> None:
    await start(runtime, "stubborn")
    (seen,) = runtime.workers.find(["w"])
    lost: list[object] = []

    def first(message: object) -> bool:
        if isinstance(message, CommandWorker):
            lost.append(message)
            return len(lost) == 1
        return False

    a.lose = first
    (outcome,) = await runtime.workers.act([seen], "stop")
    assert outcome.done, outcome
    assert len(lost) == 2


# ---------------------------------------------------------------- rolling


async def test_a_rolling_restart_goes_batch_by_batch_and_ends_at_the_first_failure(
    runtime: Runtime, a: MemoryNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.operations.rolling.SETTLED_S", 0.0)
    for number in range(1, 6):
        await start(runtime, "sleep", str(number), name=f"w-{number}")
    targets = runtime.workers.find(["w-*"])
    done = await runtime.workers.act(targets, "restart", batch=2)
    assert [o.done for o in done] == [True] * 5
    assert {r.attempt for r in a.backend.report.workers} == {2}
    third = next(run for run in a.backend._runs.values() if run.spec.name == "w-3")
    third.program = Program(exit_code=4)
    targets = sorted(runtime.workers.find(["w-*"]), key=lambda t: t.name)
    done = await runtime.workers.act(targets, "restart", batch=2)
    assert [o.verdict.value for o in done] == ["done", "done", "failed", "done", "refused"]
    assert "w-3@a failed" in done[-1].text
    assert next(r for r in a.backend.report.workers if r.name == "w-5").attempt == 2


# ---------------------------------------------------------------- orphans, forgetting


async def test_what_lives_is_never_forgotten(runtime: Runtime, a: MemoryNode) -> None:
    target = await start(runtime)
    with pytest.raises(RequestFailed, match="not over"):
        await runtime.workers.forget(target)
    await runtime.workers.act([target], "stop")
    await runtime.workers.forget(target)
    assert not a.backend.report.workers


async def test_orphans_are_found_adopted_and_cleared(
    runtime: Runtime, a: MemoryNode, b: MemoryNode
) -> None:
    a.backend.orphaned = [
        Orphan("1", "unrecorded", "no record owns it", ("adopt",), 7, 8, command="train"),
        Orphan("2", "stale_lock", "its process is gone", ("clear",), path="run.lock"),
    ]
    b.refuse_links = True
    await b.cut()
    await until(lambda: runtime.store.nodes["b"].lost is not None)
    reports, silent = await runtime.workers.orphans()
    assert (set(reports), set(silent)) == ({"a"}, {"b"})
    process, lock = reports["a"].orphans
    record = await runtime.workers.adopt("a", process)
    assert (record.name, record.flags) == ("adopted-7", ("adopted",))
    with pytest.raises(UsageError, match="does not apply"):
        await runtime.workers.clear("a", lock, "kill")
    assert "clear" in await runtime.workers.clear("a", lock, "clear")
    with pytest.raises(UsageError, match="no process"):
        await runtime.workers.adopt("a", lock)
    assert [e.verb for e in runtime.audit.tail(2)] == ["workers.clear", "workers.adopt"]


async def test_many_commands_to_one_node_take_turns(runtime: Runtime, a: MemoryNode) -> None:
    plan = runtime.workers.plan(StartRequest(("a",), command=("sleep",), name="w", copies=100))
    await runtime.workers.start(plan)
    await until(lambda: len(runtime.store.workers()) == 100)
    done = await runtime.workers.act(runtime.workers.find(["w-*"]), "stop")
    assert all(outcome.done for outcome in done)
    await asyncio.sleep(0)
    assert live(a) == []
