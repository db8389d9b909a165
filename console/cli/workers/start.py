"""`workers start`: the plan, the nodes' word on it, the start, and whether it really runs."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

from console.cli import exits, shapes
from console.cli.connect import settings_of
from console.cli.output import print_json, print_line
from console.cli.workers import fleet
from console.cli.workers.tell import tell
from console.errors import Refused, UsageError
from console.fleet.workers.words import ended
from console.operations.waiting import is_over, is_running
from console.operations.workers import Outcome, StartPlan, StartRequest, Target, Verdict
from workers.protocol import WorkerRecord

if TYPE_CHECKING:
    from console.runtime import Runtime

RUNS_WITHIN_S = 10.0
FOR_EVER_S = 10.0 * 365 * 86_400


async def run(options: Namespace) -> int:
    if getattr(options, "read_only", False) and not options.dry_run:
        raise Refused("workers start: this console is read-only; nothing was done")
    async with fleet.told(options, everywhere=_everywhere(options)) as runtime:
        plan = await runtime.workers.check(runtime.workers.plan(_request(options, runtime)))
        if options.dry_run:
            return _print_plan(options, plan)
        for warning in plan.warnings if not options.json else ():
            print_line(f"warning: {warning}")
        outcomes = await runtime.workers.start(plan)
        outcomes = await _seen(options, runtime, outcomes)
        return tell(options, "start", outcomes)


def _everywhere(options: Namespace) -> bool:
    """Without a node the preset's selector chooses; a lock of the fleet may be held anywhere."""
    if not options.node:
        return True
    presets = settings_of(options).settings.presets
    lock = next((p.lock for p in presets if p.name == options.preset), None)
    return lock is not None and lock.scope == "fleet"


def _request(options: Namespace, runtime: Runtime) -> StartRequest:
    nodes = tuple(options.node)
    opened = fleet.hosts_of(nodes)
    if opened and not _everywhere(options):
        nodes = tuple(runtime.store.nodes)  # as they are called, whatever was typed
    return StartRequest(
        nodes=nodes,
        preset=options.preset,
        command=tuple(options.argv),
        name=options.name,
        copies=options.copies,
        directory=options.directory,
        environment=tuple(_variable(word) for word in options.env),
        restart=options.restart,
        grace_s=fleet.seconds(options.grace, "--grace"),
        gpus=options.gpus,
    )


def _variable(word: str) -> tuple[str, str]:
    name, sign, value = word.partition("=")
    if not sign or not name.isidentifier() or not name.isascii():
        raise UsageError(f"--env {name}: wanted NAME=VALUE")
    return name, value


# ---------------------------------------------------------------- what became of it


async def _seen(
    options: Namespace, runtime: Runtime, outcomes: tuple[Outcome, ...]
) -> tuple[Outcome, ...]:
    """Waits until what started runs, or with --wait until it is over; a start that came to nothing failed."""
    goal = is_over if options.wait else is_running
    limit_s = fleet.seconds(options.timeout, "--timeout")
    if limit_s is None:
        limit_s = FOR_EVER_S if options.wait else RUNS_WITHIN_S
    started = {
        outcome.key: Target(outcome.node, outcome.run_id, outcome.name)
        for outcome in outcomes
        if outcome.done
    }
    seen = await runtime.workers.wait(started.values(), goal, limit_s)
    judged = {outcome.key: _judged(outcome, options.wait) for outcome in seen}
    return tuple(
        replace(judged[outcome.key], notes=outcome.notes) if outcome.key in judged else outcome
        for outcome in outcomes
    )


def _judged(seen: Outcome, to_the_end: bool) -> Outcome:
    """One that has ended already did start; only one that could not be executed did not."""
    record = seen.record
    if record is None or record.state not in ("exited", "stopped", "lost"):
        return seen
    well = record.error is None if not to_the_end else _clean(record)
    return replace(seen, verdict=Verdict.DONE if well else Verdict.FAILED, text=ended(record))


def _clean(record: WorkerRecord) -> bool:
    return record.state == "exited" and record.exit_code == 0


# ---------------------------------------------------------------- a plan, and nothing more


def _print_plan(options: Namespace, plan: StartPlan) -> int:
    refused = Outcome("", "", Verdict.REFUSED)
    code = fleet.code_of(
        [refused] * bool(plan.against)
        + [Outcome(s.node, s.spec.name, s.verdict) for s in plan.starts]
    )
    if options.json:
        print_json({"schema": shapes.SCHEMA, **shapes.plan(plan)})
        return code
    for start in plan.starts:
        gpus = f"  gpus {','.join(map(str, start.gpu_indices))}" if start.gpu_indices else ""
        print_line(f"{start.spec.name}@{start.node}: {start.shown}{gpus}")
    for warning in plan.warnings:
        print_line(f"warning: {warning}")
    for refusal in plan.refusals:
        print_line(f"refused: {refusal}")
    if code == exits.DONE:
        print_line("nothing was started: --dry-run")
    return code
