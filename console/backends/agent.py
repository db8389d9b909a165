"""Workers of one node, through its agent: local and over SSH alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from console.channels.worker_code import worker_code
from console.errors import RequestFailed
from console.sessions.session import Session
from workers.protocol import (
    AdoptProcess,
    CheckWorker,
    ClearOrphan,
    CodeStored,
    CommandWorker,
    DescribeWorker,
    Done,
    FindErrors,
    FindOrphans,
    ForgetWorker,
    LogChunk,
    LogErrors,
    LogMatches,
    OpenTail,
    OrphanReport,
    SearchLog,
    StartWorker,
    StoreCode,
    TailEnded,
    TailNote,
    WorkerCheck,
    WorkerDetails,
    WorkerReply,
    WorkerSpec,
)

COMMAND_S = 10.0
CODE_S = 120.0  # a quarter of a megabyte over whatever line there is
START_S = 30.0  # interpreters are tried and the disk is waited for
LOOK_S = 20.0  # a process table or a long log is read


class AgentBackend:
    """`Backend` over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def start(self, spec: WorkerSpec) -> WorkerReply:
        spec = await self._with_code(spec)
        reply: WorkerReply = await self._ask(StartWorker(spec), START_S)
        return reply

    async def check(self, spec: WorkerSpec) -> WorkerCheck:
        spec = await self._with_code(spec)
        reply: WorkerCheck = await self._ask(CheckWorker(spec), START_S)
        return reply

    async def command(self, command: CommandWorker) -> WorkerReply:
        reply: WorkerReply = await self._ask(command, COMMAND_S)
        return reply

    async def forget(self, run_id: str) -> Done:
        reply: Done = await self._ask(ForgetWorker(run_id), LOOK_S)
        return reply

    async def describe(self, run_id: str, points: int = 120) -> WorkerDetails:
        reply: WorkerDetails = await self._ask(DescribeWorker(run_id, points), LOOK_S)
        return reply

    async def orphans(self) -> OrphanReport:
        reply: OrphanReport = await self._ask(FindOrphans(), LOOK_S)
        return reply

    async def adopt(self, adoption: AdoptProcess) -> WorkerReply:
        reply: WorkerReply = await self._ask(adoption, COMMAND_S)
        return reply

    async def clear(self, orphan_id: str, act: str) -> Done:
        reply: Done = await self._ask(ClearOrphan(orphan_id, act), LOOK_S)
        return reply

    def tail(self, ask: OpenTail) -> AsyncGenerator[LogChunk | TailNote | TailEnded, None]:
        return self._session.tail(ask)

    async def search(self, ask: SearchLog) -> LogMatches:
        reply: LogMatches = await self._ask(ask, ask.budget_s + COMMAND_S)
        return reply

    async def errors(self, ask: FindErrors) -> LogErrors:
        reply: LogErrors = await self._ask(ask, ask.budget_s + COMMAND_S)
        return reply

    async def _with_code(self, spec: WorkerSpec) -> WorkerSpec:
        """The run with the digest of our own workers' code, which is on the node then; sent once for a release."""
        if not spec.code:
            return spec
        code = await asyncio.to_thread(worker_code)
        stored: CodeStored = await self._ask(StoreCode(code.digest), COMMAND_S)
        if not stored.present:
            stored = await self._ask(StoreCode(code.digest, code.pieces), CODE_S)
        if not stored.present:
            raise RequestFailed("failed", "the node did not keep the code of the workers")
        return spec._replace(code=code.digest)

    async def _ask(self, message: Any, timeout_s: float) -> Any:
        return await self._session.request(message, timeout_s)
