"""Starting a worker: exactly once for a run id, and only where nothing speaks against it."""

import time
from typing import Any, List, Tuple

from workers.agent.workers import gpu_choice, holders, planning
from workers.agent.workers.planning import Plan
from workers.agent.workers.reporting import record_now
from workers.agent.workers.start_turn import Busy
from workers.protocol import Failure, WorkerCheck, WorkerReply, WorkerSpec
from workers.supervisor.condition import CREATED, STARTING
from workers.supervisor.run import Run
from workers.supervisor.runs import RunExists, Runs

REPLY_S = 10.0
_POLL_S = 0.005


def check(spec: WorkerSpec, node: Any) -> Any:
    """``WorkerCheck``: would it start? ``node`` is the ``WorkerRoom``."""
    problem = planning.fault(spec)
    if problem:
        return Failure("bad_request", problem)
    plan = _plan(spec, node)
    refusals: List[str] = list(plan.refusals)
    report = node.gpu_report(spec)
    try:
        with node.starts.look() as runs:
            gpus = gpu_choice.choose(spec, report, holders.gpus(runs))
            taken = holders.in_the_way(spec, runs, lambda _: None)
    except Busy as why:
        return Failure("failed", str(why))
    refusals += [text for text in (taken, gpus.refusal) if text]
    return WorkerCheck(
        command=plan.spec.command,
        directory=plan.spec.directory,
        interpreter=plan.interpreter,
        gpu_indices=gpus.indices,
        notes=plan.notes + gpus.notes,
        refusals=tuple(refusals),
    )


def start(spec: WorkerSpec, node: Any) -> Any:
    """``WorkerReply`` once it runs or could not be executed, or a Failure: exists, refused, failed."""
    problem = planning.fault(spec)
    if problem:
        return Failure("bad_request", problem)
    there = node.runs().get(spec.run_id)
    if there is not None:
        return _reply(there, node.care(there))
    plan = _plan(spec, node)
    if plan.refusals:
        return _refused(plan.refusals)
    outcome = _create(plan, node)
    if isinstance(outcome, Failure):
        return outcome
    run, notes = outcome
    notes += node.launch(run)
    node.started(run)
    return _reply(run, notes)


def _plan(spec: WorkerSpec, node: Any) -> Plan:
    cradle = node.cradle()
    if cradle.refusal:
        return Plan(spec, None, cradle.notes, (cradle.refusal,))
    plan = planning.plan(
        spec, node.root, node.environment.variables(), node.interpreters, node.node_folder
    )
    return plan._replace(notes=node.environment.warnings() + cradle.notes + plan.notes)


def _create(plan: Plan, node: Any) -> Any:
    """The run, durable, and notes; or a Failure. One start at a time on a node."""
    try:
        with node.starts.held() as runs:
            return _create_alone(plan, node, runs)
    except Busy as why:
        return Failure("failed", str(why))


def _create_alone(plan: Plan, node: Any, runs: Runs) -> Any:
    spec = plan.spec
    if runs.get(spec.run_id) is None:
        taken = holders.in_the_way(spec, runs, node.care)
        if taken:
            return Failure("exists", taken)
    gpus = gpu_choice.choose(spec, node.gpu_report(spec), holders.gpus(runs))
    if gpus.refusal:
        return _refused((gpus.refusal,))
    try:
        run = runs.create(spec._replace(gpu_indices=gpus.indices))
    except RunExists as same:
        return Run(same.run.paths), plan.notes
    return Run(run.paths), plan.notes + gpus.notes


def _reply(run: Run, notes: Tuple[str, ...]) -> WorkerReply:
    """Waits until it is known what became of the first attempt."""
    until = time.monotonic() + REPLY_S
    pause_s = _POLL_S
    while run.condition().state in (CREATED, STARTING) and time.monotonic() < until:
        time.sleep(pause_s)
        pause_s = min(0.1, pause_s * 1.2)
    return WorkerReply(record_now(run), notes)


def _refused(refusals: Tuple[str, ...]) -> Failure:
    return Failure("refused", "; ".join(refusals))
