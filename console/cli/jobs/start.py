"""`jobs run`, `jobs retry`, `jobs restore`, `jobs prune`: the plan, the start, and with --wait how it ended."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from console import formatting
from console.cli import exits
from console.cli.jobs import fleet, shapes
from console.cli.jobs.progress import shown_while
from console.cli.jobs.tell import tell_end, tell_start
from console.cli.output import complain, print_json, print_line
from console.cli.prompting import confirm
from console.cli.workers.fleet import seconds
from console.errors import Refused, UsageError
from console.operations.jobs import JobPlan
from console.operations.outcomes import Target
from console.operations.waiting import is_over
from console.settings.jobs import JobSettings

if TYPE_CHECKING:
    from console.runtime import Runtime

_THE_SAME = (  # of a backup job and its way back
    "destination", "datasets", "remote", "rclone_config", "environment", "run_on", "retry", "timeout",
)  # fmt: skip
FOR_EVER_S = 10.0 * 365 * 86_400


async def run(options: Namespace) -> int:
    if getattr(options, "read_only", False) and not options.dry_run:
        raise Refused(f"jobs {options.verb}: this console is read-only; nothing was done")
    only = getattr(options, "nodes", "")
    async with fleet.works(options, _names(options), only) as runtime:
        plan = await _plan(options, runtime)
        if options.dry_run:
            return _print_plan(options, plan)
        return await _start(options, runtime, plan)


def _names(options: Namespace) -> tuple[str, ...]:
    """The jobs whose nodes are needed; of a run whose job is not known yet those of all."""
    from console.cli.connect import settings_of

    jobs = settings_of(options).settings.jobs
    known = tuple(job.name for job in jobs)
    if options.verb == "run" or options.name in known:
        return (options.name,)
    return known or ()


async def _plan(options: Namespace, runtime: Runtime) -> JobPlan:
    nodes = [options.nodes] if getattr(options, "nodes", "") else None
    if options.verb == "retry":
        return await runtime.jobs.retry(runtime.jobs.find(options.name))
    if options.verb == "restore":
        return await runtime.jobs.plan(_restoring(options, runtime.jobs.job(options.name)))
    if options.verb == "prune":
        return await runtime.jobs.plan(_pruning(options, runtime), nodes)
    return await runtime.jobs.plan(options.name, nodes)


def _restoring(options: Namespace, job: JobSettings) -> JobSettings:
    """The way back of a backup job, or a restore job with what was said otherwise."""
    if job.kind not in ("backup", "restore"):
        raise UsageError(f"{job.name} is a {job.kind} job: wanted a backup or restore job")
    to = options.to or job.to
    if not to:
        raise UsageError("where to? --to DIR says it")
    return JobSettings(
        name=job.name if job.kind == "restore" else f"restore-{job.name}",
        kind="restore",
        to=to,
        generation=options.generation or job.generation,
        **{key: getattr(job, key) for key in _THE_SAME if key in job.model_fields_set},
    )


def _pruning(options: Namespace, runtime: Runtime) -> JobSettings:
    if options.name:
        job = runtime.jobs.job(options.name)
        if job.kind != "prune":
            raise UsageError(f"{job.name} is a {job.kind} job: wanted a prune job")
    else:
        job = JobSettings(name="prune", kind="prune")
    return job.model_copy(update={"without_backup": True}) if options.without_backup else job


# ---------------------------------------------------------------- doing it


async def _start(options: Namespace, runtime: Runtime, plan: JobPlan) -> int:
    if not options.json:
        for line in plan.lines:
            print_line(line)
    if plan.job.kind == "prune" and plan.ok and not options.yes:
        await confirm(f"delete {_size(plan)} on {', '.join(plan.document['sources'])}?")
    outcome = await runtime.jobs.start(plan)
    if not outcome.done or not options.wait:
        return tell_start(options, outcome)
    if not options.json:
        print_line(f"started: run {plan.spec.run_id[:12]} on {plan.node}")
    limit_s = seconds(options.timeout, "--timeout")
    target = Target(plan.node, plan.spec.run_id, plan.name)
    over = runtime.workers.wait([target], is_over, FOR_EVER_S if limit_s is None else limit_s)
    await shown_while(runtime, target, over)
    return tell_end(options, runtime, target)


def _size(plan: JobPlan) -> str:
    return "what it names" if plan.bytes is None else formatting.size(plan.bytes)


def _print_plan(options: Namespace, plan: JobPlan) -> int:
    if options.json:
        print_json(shapes.plan(plan))
    else:
        for line in plan.lines:
            print_line(line)
        print_line(f"  $ {' '.join(plan.spec.command)}")
        if plan.ok:
            print_line("nothing was started: --dry-run")
    for refusal in plan.refusals if options.json else ():
        complain(f"refused: {refusal}")
    if not plan.ok:
        return exits.REFUSED
    return exits.DONE if plan.reachable else exits.UNREACHABLE
