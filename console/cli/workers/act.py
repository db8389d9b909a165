"""`workers stop|kill|restart|drain|forget`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from console.cli.output import print_line
from console.cli.prompting import confirm
from console.cli.workers import fleet
from console.cli.workers.tell import tell
from console.errors import QuarterdeckError, Refused
from console.fleet.workers import words
from console.operations.outcomes import failure
from console.operations.waiting import is_over, runs_again
from console.operations.workers import FORCE, Outcome, Target, Verdict

if TYPE_CHECKING:
    from console.runtime import Runtime

WAIT_S = 120.0  # beyond the grace time


async def run(options: Namespace) -> int:
    if getattr(options, "read_only", False):
        raise Refused(f"workers {options.verb}: this console is read-only; nothing was done")
    async with fleet.told(options) as runtime:
        if runtime.read_only:
            raise Refused(f"workers {options.verb}: the settings say read_only; nothing was done")
        targets = fleet.find(options, runtime)
        if options.verb == "forget":
            return await _forget(options, runtime, targets)
        act = "restart_force" if getattr(options, "force", False) else options.verb
        if act in FORCE and len(targets) > 1 and not options.yes:
            await _ask(runtime, targets, act)
        outcomes = await _act(options, runtime, targets, act)
        return tell(options, act, outcomes)


async def _act(
    options: Namespace, runtime: Runtime, targets: Sequence[Target], act: str
) -> tuple[Outcome, ...]:
    before = {view.key: view.record.attempt for view in fleet.views_of(runtime, targets)}
    grace_s = fleet.seconds(getattr(options, "grace", None), "--grace")
    batch = getattr(options, "batch", 0)
    outcomes = await runtime.workers.act(targets, act, grace_s=grace_s, batch=batch)
    if not options.wait or batch:
        return outcomes
    limit_s = fleet.seconds(options.timeout, "--timeout")
    going = [one for one, outcome in zip(targets, outcomes, strict=True) if outcome.done]
    seen = {}
    for one in going:  # each waits for its own attempt; the first has waited for all of them
        goal = runs_again(before[(one.node, one.run_id)]) if "restart" in act else is_over
        grace = outcomes[targets.index(one)].record
        patience_s = WAIT_S + (grace_s or (grace.grace_s if grace else 0.0))
        (outcome,) = await runtime.workers.wait([one], goal, limit_s or patience_s)
        seen[outcome.key] = _reached(outcome)
    return tuple(seen.get(outcome.key, outcome) for outcome in outcomes)


def _reached(outcome: Outcome) -> Outcome:
    record = outcome.record
    if outcome.done and record is not None and record.leftovers:
        text = f"{outcome.text}; {record.leftovers} processes of it are left"
        return replace(outcome, verdict=Verdict.FAILED, text=text)
    return outcome


async def _ask(runtime: Runtime, targets: Sequence[Target], act: str) -> None:
    """Force on more than one: the number is typed. Raises Refused."""
    for view in fleet.views_of(runtime, targets):
        print_line(f"{view.name}@{view.node}: pid {view.record.pid}, {words.actual(view.record)}")
    count = str(len(targets))
    await confirm(f"{act.replace('_', ' by ')} these {count}? type their number", wanted=count)


async def _forget(options: Namespace, runtime: Runtime, targets: Sequence[Target]) -> int:
    outcomes = []
    if len(targets) > 1 and not options.yes:
        for one in targets:
            print_line(f"{one}: run {one.run_id[:12]}")
        await confirm(f"forget these {len(targets)} runs, with their logs?")
    for one in targets:
        try:
            await runtime.workers.forget(one)
            done = Outcome(one.node, one.name, Verdict.DONE, "forgotten", one.run_id)
        except QuarterdeckError as error:
            done = failure(one, error)
        outcomes.append(done)
    return tell(options, "forget", outcomes)
