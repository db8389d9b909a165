"""All workers of one scripted machine, and its answers to what is asked of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from console.demo.machines import machine
from console.demo.noise import identifier, wander
from console.demo.workers.cast import cast
from console.demo.workers.job_cast import jobs
from console.demo.workers.record import record, role_of, spec_of
from console.demo.workers.run import LIVE, DemoRun, Moment
from workers.protocol import (
    AdoptProcess,
    CheckWorker,
    ClearOrphan,
    CodeStored,
    CommandWorker,
    DescribeWorker,
    Done,
    Failure,
    FindErrors,
    FindOrphans,
    ForgetWorker,
    MetricSeries,
    Orphan,
    OrphanReport,
    SearchLog,
    StartWorker,
    StoreCode,
    WorkerCheck,
    WorkerDetails,
    WorkerEvent,
    WorkerReply,
    WorkerReport,
    WorkerSpec,
)

_GONE = Failure("gone", "there is no such run on this node")


class DemoWorkers:
    """Remembers what was done to them. `now` gives the moment on this machine."""

    def __init__(self, index: int, now: Callable[[], Moment]) -> None:
        self._index = index
        self._now = now
        self._runs: list[DemoRun] = []  # the newest first
        for role in (*jobs(index), *cast(index)):
            spec = spec_of(role, identifier(index, "run", role.name, role.pid).replace("-", ""))
            self._runs.append(DemoRun(role, spec, -role.age_s))
        self._orphans = {orphan.orphan_id: orphan for orphan in _orphans(index)}
        self.answers: dict[type, Callable[[Any], Any]] = {
            StartWorker: self._start,
            CheckWorker: lambda ask: self._check(ask.spec),
            CommandWorker: self._command,
            ForgetWorker: self._forget,
            DescribeWorker: self._describe,
            FindOrphans: lambda _: OrphanReport(tuple(self._orphans.values())),
            AdoptProcess: self._adopt,
            ClearOrphan: self._clear,
            SearchLog: self._search,
            FindErrors: self._errors,
            StoreCode: lambda _: CodeStored(True),
        }

    def report(self, at: Moment | None = None) -> WorkerReport:
        """All runs as they are, or were at a moment of the past."""
        now = at or self._now()
        if at is None:
            for run in self._runs:
                run.advance(now)
        return WorkerReport(now.clock, tuple(record(run, now) for run in self._runs))

    def run(self, run_id: str) -> DemoRun | None:
        return next((run for run in self._runs if run.spec.run_id == run_id), None)

    # ------------------------------------------------------------ commands

    def _live(self, name: str) -> DemoRun | None:
        return next((r for r in self._runs if r.spec.name == name and r.state in LIVE), None)

    def _refusals(self, spec: WorkerSpec) -> tuple[str, ...]:
        holder = self._live(spec.name)
        found = [f"{spec.name} runs already as run {holder.spec.run_id[:12]}"] if holder else []
        for run in self._runs:
            if spec.singleton and run.spec.singleton == spec.singleton and run.state in LIVE:
                found.append(f"{spec.singleton} is held by {run.spec.name}, pid {run.pid}")
        present = len(machine(self._index).gpus)
        if spec.gpus > present:
            found.append(f"{spec.gpus} GPUs wanted, {present} are there")
        return tuple(found)

    def _check(self, spec: WorkerSpec) -> WorkerCheck:
        python = "/usr/bin/python3"
        asked = spec.interpreters[:1] if spec.kind != "job" else ()
        notes = tuple(f"{place} is not there: {python} is used" for place in asked)
        return WorkerCheck(
            spec.command, spec.directory or "~/run", python, self._free(spec.gpus), notes,
            self._refusals(spec),
        )  # fmt: skip

    def _free(self, gpus: int) -> tuple[int, ...]:
        held = {i for run in self._runs if run.state in LIVE for i in run.spec.gpu_indices}
        present = range(len(machine(self._index).gpus))
        free = [i for i in present if i not in held] or list(present)
        return tuple(free[:gpus])

    def _start(self, ask: StartWorker) -> Any:
        known = self.run(ask.spec.run_id)
        now = self._now()
        if known is not None:
            return WorkerReply(record(known, now))
        refusals = self._refusals(ask.spec)
        if refusals:
            return Failure("exists", "; ".join(refusals))
        spec = ask.spec._replace(gpu_indices=self._free(ask.spec.gpus))
        run = DemoRun(role_of(spec), spec, now.t, new=True)
        self._runs.insert(0, run)
        run.begin(now)
        return WorkerReply(record(run, now), self._check(spec).notes)

    def _command(self, ask: CommandWorker) -> Any:
        run, now = self.run(ask.run_id), self._now()
        if run is None:
            return _GONE
        if ask.sequence is not None and ask.sequence != run.sequence:
            return Failure("superseded", f"{run.by or 'somebody'} wanted it {run.desired} since")
        if run.state not in LIVE and ask.act in ("stop", "kill", "drain"):
            return Failure("refused", f"{run.spec.name} is over: {run.state}")
        if ask.act == "drain" and not run.spec.drain:
            return Failure(
                "refused", f"{run.spec.name} does not know how to drain: stop it instead"
            )
        run.act(ask.act, now, ask.by)
        return WorkerReply(record(run, now))

    def _forget(self, ask: ForgetWorker) -> Any:
        run = self.run(ask.run_id)
        if run is None:
            return _GONE
        if run.state in LIVE:
            return Failure("refused", f"{run.spec.name} is {run.state}: stop it first")
        self._runs.remove(run)
        return Done(f"{run.spec.name} is forgotten")

    # ------------------------------------------------------------ orphans

    def _adopt(self, ask: AdoptProcess) -> Any:
        orphan = next((o for o in self._orphans.values() if o.pid == ask.pid), None)
        if orphan is None:
            return Failure("gone", f"process {ask.pid} has ended")
        del self._orphans[orphan.orphan_id]
        spec = WorkerSpec(ask.run_id, ask.name, tuple(orphan.command.split()), by=ask.by)
        now = self._now()
        role = role_of(spec)._replace(pid=ask.pid, flags=("adopted",), per_minute=0.0)
        run = DemoRun(role, spec, now.t)
        self._runs.insert(0, run)
        return WorkerReply(record(run, now), ("it is watched; its exit code cannot be had here",))

    def _clear(self, ask: ClearOrphan) -> Any:
        orphan = self._orphans.get(ask.orphan_id)
        if orphan is None or ask.act not in orphan.acts:
            return Failure("gone", "this is no longer so")
        del self._orphans[ask.orphan_id]
        return Done(f"{ask.act}: {orphan.name or orphan.path or orphan.command}")

    # ------------------------------------------------------------ looking closer

    def _describe(self, ask: DescribeWorker) -> Any:
        run, now = self.run(ask.run_id), self._now()
        if run is None:
            return _GONE
        run.advance(now)
        events = tuple(
            WorkerEvent(number, now.epoch + event.t, event.text)
            for number, event in enumerate(run.events, 1)
        )
        line, count = " ".join(run.spec.command), run.role.processes
        tree = () if run.pid is None else tuple(f"{run.pid + i} {line}" for i in range(count))
        folder = f"~/.local/state/quarterdeck/nodes/demo/runs/{run.spec.run_id}"
        metrics = _metrics(run, ask.points)
        return WorkerDetails(record(run, now), run.spec, folder, events, metrics, tree)

    def _search(self, ask: SearchLog) -> Any:
        run = self.run(ask.run_id)
        if run is None:
            return _GONE
        try:
            return run.log(self._now()).search(ask)
        except re.error as error:
            return Failure("bad_request", f"not a regular expression: {error}")

    def _errors(self, ask: FindErrors) -> Any:
        run = self.run(ask.run_id)
        return run.log(self._now()).errors(ask) if run else _GONE


def _metrics(run: DemoRun, points: int) -> tuple[MetricSeries, ...]:
    if run.role.preset != "train":
        return ()
    steps = tuple(float(50 * step) for step in range(points))
    fall = [1.0 / (1.0 + step / 9_000.0) for step in steps]
    key = run.role.pid
    return (
        MetricSeries("loss/policy", steps, tuple(2.1 * f + 0.04 * wander(key, "policy", s) for f, s in zip(fall, steps, strict=True))),
        MetricSeries("loss/value", steps, tuple(0.7 * f + 0.02 * wander(key, "value", s) for f, s in zip(fall, steps, strict=True))),
        MetricSeries("lr", steps, tuple(3e-4 * f for f in fall)),
    )  # fmt: skip


def _orphans(index: int) -> tuple[Orphan, ...]:
    return {
        "gpu-4": (
            Orphan("o1", "unrecorded", "it carries this node's token, but no record of its run is left",
                   ("adopt", "stop", "kill"), 61_440, 6_144_000, "jun",
                   "python -u -m training.train --preset square19 --rank 0"),
            Orphan("o2", "stale_lock", "the process that wrote it (4711) has ended",
                   ("clear",), path="~/run/train.lock"),
        ),
        "home": (
            Orphan("o1", "duplicate", "it runs beside gauntlet, of which only one may live",
                   ("stop", "kill"), 48_140, 4_814_000, "mara",
                   "python -m workers.evaluation gauntlet --a best --b latest"),
        ),
        "cpu-2": (
            Orphan("o1", "dead", "its process died with the machine's last start", ("forget",),
                   run_id=identifier(index, "dead").replace("-", ""), name="openings"),
        ),
    }.get(machine(index).name, ())  # fmt: skip
