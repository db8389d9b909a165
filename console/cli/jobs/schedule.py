"""`jobs schedule`: the worker that starts jobs when they are due."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from console import formatting
from console.cli import exits
from console.cli.jobs import fleet, shapes
from console.cli.jobs.tell import tell_start
from console.cli.output import print_json, print_line, print_table
from console.errors import Refused
from console.operations.outcomes import Outcome, Verdict
from console.operations.waiting import is_over

if TYPE_CHECKING:
    from console.runtime import Runtime

STOPPED_S = 30.0


async def run(options: Namespace) -> int:
    if getattr(options, "read_only", False) and not options.status:
        raise Refused("jobs schedule: this console is read-only; nothing was done")
    async with fleet.homes(options) as runtime:
        if options.status:
            return _status(options, runtime)
        if options.stop:
            return tell_start(options, await _stopped(runtime))
        found = runtime.jobs.schedule()
        if found is not None and found.live:
            return tell_start(options, _of(found.node, "runs already", found.record.run_id))
        return tell_start(options, await runtime.jobs.start_schedule())


async def _stopped(runtime: Runtime) -> Outcome:
    found = runtime.jobs.schedule()
    if found is None or not found.live:
        return _of(runtime.orchestrator(), "does not run", "")
    (outcome,) = await runtime.workers.act([found.key], "stop")
    if not outcome.done:
        return outcome
    (outcome,) = await runtime.workers.wait([found.key], is_over, STOPPED_S)
    return outcome


def _of(node: str, text: str, run_id: str) -> Outcome:
    return Outcome(node, "schedule", Verdict.DONE, text, run_id)


def _status(options: Namespace, runtime: Runtime) -> int:
    """0 where it runs; 1 where it does not and a job waits for it."""
    found = runtime.jobs.schedule()
    runs = found is not None and found.live
    due = [one for one in runtime.jobs.planned() if one.schedule]
    if options.json:
        jobs = shapes.listed(due, [])["jobs"]
        print_json({"schema": shapes.SCHEMA, "running": runs, "jobs": jobs})
    else:
        print_line("the schedule runs" if runs else "the schedule does not run")
        rows = [
            [one.name, one.kind, one.schedule, formatting.age(one.in_s), one.note] for one in due
        ]
        print_table(("job", "kind", "schedule", "due in", "held back"), rows, ("due in",))
    return exits.DONE if runs or not due else exits.FAILED
