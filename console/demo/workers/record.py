"""What a scripted node says of a run: its record, and the specification it was started with."""

from __future__ import annotations

from console.demo.noise import around
from console.demo.workers import lines
from console.demo.workers.cast import Course, Role
from console.demo.workers.job_cast import job_role
from console.demo.workers.jobs import input_of, job_progress
from console.demo.workers.log import last_line
from console.demo.workers.run import LIVE, DemoRun, Moment
from workers.protocol import Progress, RestartRule, Variable, WorkerRecord, WorkerSpec

_WAITS_IN = "jbd2_log_wait_commit"
_LINE_BYTES = 86  # of a log that nobody has looked at yet


def record(run: DemoRun, now: Moment) -> WorkerRecord:
    """The run as it is now."""
    t, role, spec, running = now.t, run.role, run.spec, run.running
    return WorkerRecord(
        run_id=spec.run_id, name=spec.name, state=run.state, desired=run.desired, flags=_flags(run),
        lost_reason="reboot" if run.state == "lost" else None, preset=spec.preset, kind=spec.kind,
        command=spec.command, attempt=run.attempt, restarts=run.restarts,
        crash_loop=run.course is Course.CRASH_LOOP and run.state not in LIVE,
        pid=run.pid, start_ticks=None if run.pid is None else run.pid * 100,
        exit_code=run.code, signal=run.signal, oom=run.oom,
        started_at=now.epoch + run.began_t,
        ended_at=None if run.ended_t is None else now.epoch + run.ended_t,
        running_s=t - run.began_t if running else None,
        last_seen_at=now.epoch - role.since_s - 4.0 if run.state == "lost" else None,
        restart_in_s=None if run.restarts_at is None else max(0.0, run.restarts_at - t),
        stopping_s=None if run.stop_t is None else t - run.stop_t,
        grace_s=spec.grace_s, kill_pending=run.stuck, sequence=run.sequence, by=run.by, drain=spec.drain,
        gpu_indices=spec.gpu_indices, singleton=spec.singleton, progress=_progress(run, t),
        processes=role.processes if running else None,
        cpu_percent=_cpu(run, t) if running else None,
        memory_bytes=role.memory_bytes if running else None,
        gpu_memory_bytes=role.gpu_memory_bytes if running else None,
        blocked_in=_WAITS_IN if run.course is Course.WRITES_HANG and run.is_quiet(t) else None,
        log_bytes=_LINE_BYTES * run.lines_said(t) if run.log_bytes is None else run.log_bytes,
        log_age_s=run.quiet_s(t), last_line=_last_line(run, now),
        warnings=role.warnings if running else (), tags=spec.tags,
    )  # fmt: skip


def _cpu(run: DemoRun, t: float) -> float:
    usual = 0.4 if run.is_quiet(t) else run.role.cpu_percent
    return round(around(usual, usual * 0.1, run.role.pid, "cpu", t), 1)


def _flags(run: DemoRun) -> tuple[str, ...]:
    flags = run.role.flags if run.running and run.pid == run.role.pid else ()
    return (*flags, "kill_pending") if run.stuck else flags


def _last_line(run: DemoRun, now: Moment) -> str:
    clock = now.clock - run.quiet_s(now.t)
    quiet = run.is_quiet(now.t) or not run.running
    said = lines.ending(run.role, clock) if quiet else []
    if said:
        return said[-1][1].rstrip().splitlines()[-1]
    return last_line(run.role, run.lines_said(now.t), clock) if run.running else ""


def _progress(run: DemoRun, t: float) -> Progress | None:
    if run.role.kind == "job":
        return job_progress(run, t)
    role, done, quiet = run.role, run.done(t), run.is_quiet(t)
    if run.state not in LIVE and not done:
        return None
    rated = run.state == "running" and not quiet and role.per_minute > 0
    return Progress(
        phase=role.phase, done=done, total=role.total, unit=role.unit,
        rate_per_minute=run.rate(t) if rated else None, message=role.says, health="ok",
        age_s=run.quiet_s(t) if quiet else t % 2.0 if run.state == "running" else None,
    )  # fmt: skip


def spec_of(role: Role, run_id: str) -> WorkerSpec:
    """The specification that this role would have been started with."""
    return WorkerSpec(
        run_id=run_id, name=role.name, command=role.command, preset=role.preset, kind=role.kind,
        environment=(Variable("OMP_NUM_THREADS", "1"),), gpus=len(role.gpu_indices),
        gpu_indices=role.gpu_indices, restart=RestartRule(role.restart), drain=role.drain,
        singleton=role.singleton, by="mara@home", tags=role.tags, input=input_of(role),
    )  # fmt: skip


def role_of(spec: WorkerSpec) -> Role:
    """How a worker that is started in the demo behaves: well."""
    if spec.kind == "job":
        return job_role(spec)
    if not spec.preset and spec.singleton == "schedule":
        return Role(
            spec.name,
            "",
            spec.command,
            unit="",
            phase="waits for what is due",
            cpu_percent=0.3,
            restart="always",
        )
    return Role(
        name=spec.name, preset=spec.preset, command=spec.command, kind=spec.kind, per_minute=12.0,
        drain=spec.drain, gpu_indices=spec.gpu_indices, restart=spec.restart.policy,
    )  # fmt: skip
