"""Jobs one after the other: the next starts when the one before is done, none after a failure."""

from __future__ import annotations

import asyncio

from console.conduct.ending import FAILURE, conclude
from console.conduct.orders import Orders
from console.conduct.program import Conductor
from console.conduct.score import Score, Share
from console.conduct.telling import DONE, FAILED, PARTIAL, RUNNING, SKIPPED
from console.errors import QuarterdeckError, UsageError
from console.fleet.workers.words import actual
from console.operations.outcomes import Target
from console.operations.waiting import is_over, record_of, until
from workers.protocol import WorkerRecord

NEVER = ("begin a step after one that failed",)
_FOR_EVER_S = 10.0 * 365 * 86_400


def plan(orders: Orders) -> Score:
    """Raises UsageError. What each step would do, its own plan says."""
    shares = tuple(
        Share(name, f"step {number}: the job {name}", (("quarterdeck", "jobs", "run", name),))
        for number, name in enumerate(_steps(orders), 1)
    )
    return Score(f"{len(shares)} jobs in turn", shares, NEVER)


async def run(conductor: Conductor) -> int:
    """A stop cancels the step that runs."""
    telling = conductor.telling
    steps = _steps(conductor.orders)
    telling.begin(steps)
    for name in steps:
        telling.say(phase=name)
        telling.part(name, state=RUNNING)
        state, text = await _step(conductor, name)
        telling.part(name, state=state, message=text)
        telling.log(f"{name}: {text}")
        if state != DONE:
            return _stopped_at(conductor, name, text)
    return conclude(telling)


def _steps(orders: Orders) -> tuple[str, ...]:
    steps = orders.texts("steps")
    if not steps or len(set(steps)) < len(steps):
        raise UsageError("document: options.steps: names of jobs, each once, are wanted")
    return steps


def _stopped_at(conductor: Conductor, failed: str, text: str) -> int:
    telling = conductor.telling
    rest = telling.names("waiting")
    for name in rest:
        telling.part(name, state=SKIPPED, message=f"not begun, because {failed} failed")
    named = f"; not begun: {', '.join(rest)}" if rest else ""
    phase = "partial" if telling.names(DONE, PARTIAL) else "failed"
    telling.say(phase=phase, health="failed", message=f"{failed} failed: {text}{named}")
    return FAILURE


async def _step(conductor: Conductor, name: str) -> tuple[str, str]:
    """(state, words)"""
    jobs = conductor.runtime.jobs
    try:
        plan = await jobs.plan(name)
        for line in plan.lines:
            conductor.telling.log(line)
        if not plan.ok:
            return FAILED, "; ".join(plan.refusals)
        outcome = await jobs.start(plan)
        if not outcome.done:
            return FAILED, outcome.text
        return judged(await _over(conductor, Target(plan.node, outcome.run_id, name)))
    except QuarterdeckError as error:
        return FAILED, str(error)


async def _over(conductor: Conductor, target: Target) -> WorkerRecord | None:
    store = conductor.runtime.store

    def over() -> bool:
        record = record_of(store, target.node, target.run_id)
        return record is not None and is_over(record) is True

    try:
        await until(store, over, _FOR_EVER_S)
    except asyncio.CancelledError:
        await conductor.runtime.jobs.cancel(target)
        raise
    return record_of(store, target.node, target.run_id)


def judged(record: WorkerRecord | None) -> tuple[str, str]:
    """How a run that is over counts. Lost and unknown are never success."""
    if record is None:
        return FAILED, "what became of it is not known"
    said = record.progress.message if record.progress else ""
    words = f"{actual(record)}{': ' + said if said else ''}"
    if record.state == "exited" and record.exit_code == 0:
        return DONE, words
    partial = record.progress is not None and record.progress.phase == "partial"
    return (PARTIAL if partial else FAILED), words
