"""A place without a machine: the in-memory twin of every backend, for tests and for trying the verbs.

Nothing runs. A worker lives until it is stopped, or ends at once as `programs` says of its command.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.backends.backend import EXISTS, GONE, REFUSED, SUPERSEDED
from console.errors import RequestFailed
from workers.protocol import (
    ERR,
    OUT,
    AdoptProcess,
    CommandWorker,
    Done,
    FindErrors,
    LogChunk,
    LogErrors,
    LogMatch,
    LogMatches,
    OpenTail,
    Orphan,
    OrphanReport,
    SearchLog,
    TailEnded,
    TailNote,
    WorkerCheck,
    WorkerDetails,
    WorkerRecord,
    WorkerReply,
    WorkerReport,
    WorkerSpec,
)

LIVE = frozenset({"created", "starting", "running", "stopping", "backoff"})
_WANTS = {"stop": "stopped", "kill": "stopped", "drain": "drained"}
_STREAMS = {"out": (OUT,), "err": (ERR,), "both": (OUT, ERR)}


@dataclass(frozen=True)
class Program:
    """What a command does: it says something, and ends with `exit_code`, or lives on where that is None."""

    out: bytes = b""
    err: bytes = b""
    exit_code: int | None = None
    obeys: bool = True  # a stop ends it at once; otherwise only a kill does


@dataclass
class _Run:
    spec: WorkerSpec
    record: WorkerRecord
    program: Program
    log: list[LogChunk] = field(default_factory=list)


class MemoryBackend:
    """`Backend` over nothing. `reported` is told all runs after each change."""

    def __init__(
        self,
        programs: Callable[[Sequence[str]], Program] = lambda _: Program(),
        reported: Callable[[WorkerReport], None] = lambda _: None,
        gpus: int = 0,
    ) -> None:
        self.orphaned: list[Orphan] = []
        self._programs = programs
        self._reported = reported
        self._gpus = gpus
        self._runs: dict[str, _Run] = {}
        self._changed = asyncio.Condition()
        self._pid = 1000

    @property
    def report(self) -> WorkerReport:
        """All runs, the newest first."""
        return WorkerReport(0.0, tuple(run.record for run in reversed(self._runs.values())))

    # ------------------------------------------------------------ starting

    async def start(self, spec: WorkerSpec) -> WorkerReply:
        if spec.run_id in self._runs:
            return WorkerReply(self._runs[spec.run_id].record)
        problem = self._problem(spec)
        if problem is not None:
            raise problem
        taken = tuple(index for index in range(self._gpus) if index in self._free())[: spec.gpus]
        record = WorkerRecord(
            spec.run_id,
            spec.name,
            "created",
            preset=spec.preset,
            kind=spec.kind,
            command=spec.command,
            grace_s=spec.grace_s,
            drain=spec.drain,
            gpu_indices=taken,
            singleton=spec.singleton,
            singleton_scope=spec.singleton_scope,
            by=spec.by,
            tags=spec.tags,
        )
        run = _Run(spec, record, self._programs(spec.command))
        self._runs[spec.run_id] = run
        await self._attempt(run)
        return WorkerReply(run.record)

    async def check(self, spec: WorkerSpec) -> WorkerCheck:
        problem = self._problem(spec)
        free = tuple(sorted(self._free()))[: spec.gpus]
        refusals = (str(problem),) if problem else ()
        return WorkerCheck(spec.command, spec.directory, None, free, (), refusals)

    def _problem(self, spec: WorkerSpec) -> RequestFailed | None:
        for run in self._runs.values():
            if run.record.state not in LIVE or run.spec.run_id == spec.run_id:
                continue
            who = f"{run.record.name} (run {run.record.run_id[:12]}, {run.record.state})"
            if run.spec.name == spec.name:
                return RequestFailed(EXISTS, f"the name is taken by {who}")
            if spec.singleton and run.spec.singleton == spec.singleton:
                return RequestFailed(EXISTS, f"lock {spec.singleton} is held by {who}")
        if spec.gpus > len(self._free()):
            return RequestFailed(
                REFUSED, f"{spec.gpus} GPUs are wanted, {len(self._free())} are free"
            )
        return None

    def _free(self) -> frozenset[int]:
        live = [run.record for run in self._runs.values() if run.record.state in LIVE]
        held = {index for record in live for index in record.gpu_indices}
        return frozenset(range(self._gpus)) - held

    async def _attempt(self, run: _Run) -> None:
        self._pid += 1
        attempt = run.record.attempt + 1
        for which, data in ((OUT, run.program.out), (ERR, run.program.err)):
            if data:
                run.log.append(LogChunk(attempt, which, 0, 0.0, data))
        await self._set(
            run,
            state="running",
            desired="running",
            attempt=attempt,
            restarts=attempt - 1,
            pid=self._pid,
            running_s=0.0,
            exit_code=None,
            signal=None,
        )
        if run.program.exit_code is not None:
            await self._set(run, state="exited", exit_code=run.program.exit_code, pid=None)

    # ------------------------------------------------------------ commanding

    async def command(self, command: CommandWorker) -> WorkerReply:
        run = self._run(command.run_id)
        record = run.record
        if command.sequence is not None and command.sequence != record.sequence:
            raise RequestFailed(
                SUPERSEDED, f"{record.name}: {record.by} wanted it {record.desired} since"
            )
        if command.act == "drain" and not record.drain:
            raise RequestFailed(REFUSED, f"{record.name} does not know how to drain; stop it")
        restart = command.act in ("restart", "restart_force")
        if not restart and record.state not in LIVE:
            return WorkerReply(record, (f"{record.name} is over already",))
        await self._set(
            run,
            sequence=record.sequence + 1,
            by=command.by,
            desired=_WANTS.get(command.act, "running"),
        )
        if restart:
            await self._attempt(run)
        elif command.act == "kill" or run.program.obeys:
            kill = command.act == "kill"
            await self._set(run, state="stopped", signal=9 if kill else 15, pid=None)
        else:
            await self._set(run, state="stopping")
        return WorkerReply(run.record)

    async def forget(self, run_id: str) -> Done:
        record = self._run(run_id).record
        if record.state in LIVE:
            raise RequestFailed(REFUSED, f"{record.name} is {record.state}: it is not over")
        del self._runs[run_id]
        await self._tell()
        return Done(f"{record.name}: the run is forgotten")

    async def describe(self, run_id: str, points: int = 120) -> WorkerDetails:
        run = self._run(run_id)
        return WorkerDetails(run.record, run.spec, f"/memory/{run_id}")

    # ------------------------------------------------------------ orphans

    async def orphans(self) -> OrphanReport:
        return OrphanReport(tuple(self.orphaned))

    async def adopt(self, adoption: AdoptProcess) -> WorkerReply:
        orphan = next((one for one in self.orphaned if one.pid == adoption.pid), None)
        if orphan is None:
            raise RequestFailed(GONE, f"process {adoption.pid} is gone already")
        self.orphaned.remove(orphan)
        spec = WorkerSpec(adoption.run_id, adoption.name, (orphan.command,), by=adoption.by)
        record = WorkerRecord(
            spec.run_id, spec.name, "running", flags=("adopted",), attempt=1, pid=adoption.pid,
            start_ticks=adoption.start_ticks, command=spec.command, by=adoption.by,
        )  # fmt: skip
        self._runs[spec.run_id] = _Run(spec, record, Program())
        await self._tell()
        return WorkerReply(record)

    async def clear(self, orphan_id: str, act: str) -> Done:
        orphan = next((one for one in self.orphaned if one.orphan_id == orphan_id), None)
        if orphan is None:
            raise RequestFailed(GONE, "what was shown is not there any more; look again")
        if act not in orphan.acts:
            raise RequestFailed(REFUSED, f"{act} is not offered for this")
        self.orphaned.remove(orphan)
        return Done(f"{act}: done")

    # ------------------------------------------------------------ logs

    async def tail(self, ask: OpenTail) -> AsyncGenerator[LogChunk | TailNote | TailEnded, None]:
        run = self._run(ask.run_id)
        seen = 0
        while True:
            async with self._changed:
                while len(run.log) == seen and run.record.state in LIVE and ask.follow:
                    await self._changed.wait()
            fresh, seen = run.log[seen:], len(run.log)
            for chunk in fresh:
                if chunk.which in _STREAMS[ask.streams] and ask.attempt in (0, chunk.attempt):
                    yield chunk
            if not fresh and (run.record.state not in LIVE or not ask.follow):
                yield TailEnded("over" if run.record.state not in LIVE else "end")
                return

    async def search(self, ask: SearchLog) -> LogMatches:
        pattern = re.compile(ask.pattern, re.IGNORECASE if ask.ignore_case else 0)
        found = [
            LogMatch(chunk.attempt, chunk.which, match.start(), match.group())
            for chunk in self._run(ask.run_id).log
            if chunk.which in _STREAMS[ask.streams]
            for match in re.finditer(r"[^\n]+", chunk.data.decode(errors="replace"))
            if pattern.search(match.group())
        ]
        return LogMatches(tuple(found[: ask.limit]))

    async def errors(self, ask: FindErrors) -> LogErrors:
        self._run(ask.run_id)
        return LogErrors()

    # ------------------------------------------------------------ within

    def _run(self, run_id: str) -> _Run:
        if run_id not in self._runs:
            raise RequestFailed(GONE, f"there is no run {run_id[:12]} here")
        return self._runs[run_id]

    async def _set(self, run: _Run, **changes: Any) -> None:
        run.record = run.record._replace(**changes)
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
        self._reported(self.report)
