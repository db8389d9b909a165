"""The verbs for jobs on this machine's real agent, with runs that do what a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from console.errors import UsageError
from console.operations.jobs import JobPlan
from console.operations.outcomes import Target, Verdict
from console.operations.waiting import is_over, is_running
from console.runtime import Runtime
from tests.runtimes import runtime_of, settings_file, until, up
from workers.protocol import WorkerRecord

Work = Callable[[str], None]
PARTIAL = "say('partial', **{'gpu-1': 'done', 'gpu-2': 'failed'}); sys.exit(1)"


def target(plan: JobPlan) -> Target:
    return Target(plan.node, plan.spec.run_id, plan.name)


async def ended(runtime: Runtime, name: str = "sync") -> WorkerRecord:
    plan = await runtime.jobs.plan(name)
    outcome = await runtime.jobs.start(plan)
    assert outcome.done, outcome
    (over,) = await runtime.workers.wait([target(plan)], is_over, 20.0)
    assert over.record is not None, over
    return over.record


def audited(home: Path) -> list[tuple[str, str, str]]:
    lines = (home / ".local/state/quarterdeck/audit.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return [(one["verb"], one["node"], one["result"]) for one in found]


async def test_a_job_is_planned_started_and_kept(runtime: Runtime, work: Work, home: Path) -> None:
    plan = await runtime.jobs.plan("sync")
    assert (plan.node, plan.ok, plan.files, plan.bytes) == ("local", True, 2, 20)
    assert plan.document["sources"] == ["gpu-1", "gpu-2"]
    assert plan.numbers == {"left": 7}
    assert runtime.jobs.runs("sync") == (), "a plan starts nothing"

    work("say('done', **{'gpu-1': 'done', 'gpu-2': 'skipped'})")
    record = await ended(runtime)
    assert (record.kind, record.state, record.exit_code) == ("job", "exited", 0)
    (row,) = [row for row in runtime.jobs.rows() if row.view]
    assert (row.name, row.section, row.state, row.amount.nodes) == ("sync", "history", "done", 2)
    assert [verb for verb, _, result in audited(home) if result != "asked"] == ["jobs.start"]
    with pytest.raises(UsageError, match="nothing is left"):
        await runtime.jobs.retry(target_of(runtime))


def target_of(runtime: Runtime, name: str = "sync") -> Target:
    return runtime.jobs.find(name)


async def test_the_same_plan_twice_starts_once(runtime: Runtime, work: Work) -> None:
    work("time.sleep(60)")
    plan = await runtime.jobs.plan("sync")
    first, second = await asyncio.gather(runtime.jobs.start(plan), runtime.jobs.start(plan))
    assert (first.done, second.done) == (True, True)
    assert first.run_id == second.run_id
    assert len(runtime.jobs.runs("sync")) == 1


async def test_two_jobs_for_one_destination_do_not_run_together(
    runtime: Runtime, work: Work, home: Path
) -> None:
    work("time.sleep(60)")
    plan = await runtime.jobs.plan("sync")
    assert (await runtime.jobs.start(plan)).done
    async with runtime_of(home) as other:  # another console, which has been told of nothing yet
        await up(other)
        refused = await other.jobs.start(await other.jobs.plan("quick"))
    assert refused.verdict is Verdict.REFUSED
    assert "data-local" in refused.text
    assert plan.spec.run_id[:12] in refused.text or "sync" in refused.text


async def test_cancelled_and_the_rest_done_again(runtime: Runtime, work: Work) -> None:
    work("say('sync', **{'gpu-1': 'done', 'gpu-2': 'running'}); time.sleep(60)")
    plan = await runtime.jobs.plan("sync")
    assert (await runtime.jobs.start(plan)).done
    await runtime.workers.wait([target(plan)], is_running, 20.0)
    await until(lambda: [r for r in runtime.jobs.rows() if r.view and r.amount.nodes == 2])
    with pytest.raises(UsageError, match="is not over"):
        await runtime.jobs.retry(target_of(runtime))
    assert (await runtime.jobs.cancel(target_of(runtime))).done
    (over,) = await runtime.workers.wait([target(plan)], is_over, 20.0)
    assert over.record is not None
    assert over.record.state == "stopped"
    again = await runtime.jobs.retry(target_of(runtime))
    assert again.document["sources"] == ["gpu-2"]
    assert again.spec.run_id != plan.spec.run_id


async def test_a_partial_run_is_named_so_and_only_what_failed_is_done_again(
    runtime: Runtime, work: Work
) -> None:
    work(PARTIAL)
    record = await ended(runtime)
    assert (record.exit_code, record.attempt) == (1, 1), "what failed does not come again by itself"
    (row,) = [row for row in runtime.jobs.rows() if row.view]
    assert (row.state, row.failed_nodes) == ("partial", ("gpu-2",))
    again = await runtime.jobs.retry(target_of(runtime))
    assert again.document["sources"] == ["gpu-2"]


async def test_what_died_before_it_said_anything_is_done_again_whole(
    runtime: Runtime, work: Work
) -> None:
    work("sys.exit(5)")
    await ended(runtime)
    again = await runtime.jobs.retry(target_of(runtime))
    assert again.document["sources"] == ["gpu-1", "gpu-2"]


async def test_no_node_yet_comes_again_a_few_times(runtime: Runtime, work: Work) -> None:
    work("say('waiting'); sys.exit(3)")
    record = await ended(runtime, "quick")
    assert (record.state, record.exit_code, record.attempt) == ("exited", 3, 3)
    assert not record.crash_loop


async def test_a_refused_plan_is_not_started(runtime: Runtime, work: Work, home: Path) -> None:
    plan = await runtime.jobs.plan("sync", ["gpu-1"])
    from dataclasses import replace

    outcome = await runtime.jobs.start(replace(plan, refusals=("too much",)))
    assert (outcome.verdict, outcome.text) == (Verdict.REFUSED, "too much")
    assert ("jobs.start", "local", "refused: too much") in audited(home)
    assert runtime.jobs.runs("sync") == ()


async def test_read_only_plans_and_starts_nothing(home: Path, work: Work) -> None:
    async with runtime_of(home, read_only=True) as watching:
        await up(watching)
        plan = await watching.jobs.plan("sync")
        assert plan.ok
        outcome = await watching.jobs.start(plan)
        assert outcome.verdict is Verdict.REFUSED
        assert watching.jobs.runs("sync") == ()


async def test_this_machine_is_opened_when_it_is_needed(home: Path, work: Work) -> None:
    settings_file(home, "nodes: [{name: gpu-1, address: 127.0.0.1, port: 9}]\n")
    async with runtime_of(home) as running:
        assert list(running.store.nodes) == ["gpu-1"]
        assert running.orchestrator() == "local"
        assert running.orchestrator() == "local"
        plan = await running.jobs.plan("sync")
        assert (plan.node, plan.document["sources"]) == ("local", ["gpu-1"])
        await running.use_settings(running.loaded)
        assert "local" in running.store.nodes


async def test_names_and_schedules(runtime: Runtime, home: Path) -> None:
    with pytest.raises(UsageError, match="did you mean sync"):
        runtime.jobs.job("synk")
    with pytest.raises(UsageError, match="no run of a job 'sync'"):
        runtime.jobs.find("sync")
    settings_file(home, "sync_disabled: true\njobs: [{name: sync, schedule: '*/5 * * * *'}]\n")
    async with runtime_of(home) as off:
        planned = {one.name: one for one in off.jobs.planned()}
        due = planned["sync"].in_s
        assert due is not None
        assert 0 <= due <= 300
        assert "sync_disabled" in planned["sync"].note
        assert planned["aggregate"].in_s is None
        (refusal, *_) = (await off.jobs.plan("sync")).refusals
        assert "this machine: the settings say sync_disabled" in refusal


async def test_a_plan_that_waited_starts_after_what_went_on_meanwhile(
    runtime: Runtime, work: Work
) -> None:
    waits = await runtime.jobs.plan("sync")
    work("print(orders['fence'])")
    first = await fence_of(runtime, await runtime.jobs.plan("quick"))
    assert first > waits.document["fence"]
    assert await fence_of(runtime, waits) > first


async def fence_of(runtime: Runtime, plan: JobPlan) -> int:
    outcome = await runtime.jobs.start(plan)
    assert outcome.done, outcome
    await runtime.workers.wait([target(plan)], is_over, 20.0)
    details = await runtime.workers.describe(target(plan), 0)
    fence: int = json.loads("".join(details.spec.input))["fence"]
    return fence
