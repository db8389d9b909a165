"""Workers of one node, through its agent: local and over SSH alike."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from console.sessions.session import Session
from workers.protocol import (
    AdoptProcess,
    CheckWorker,
    ClearOrphan,
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
    TailEnded,
    TailNote,
    WorkerCheck,
    WorkerDetails,
    WorkerReply,
    WorkerSpec,
)

COMMAND_S = 10.0
START_S = 30.0  # interpreters are tried and the disk is waited for
LOOK_S = 20.0  # a process table or a long log is read


class AgentBackend:
    """`Backend` over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def start(self, spec: WorkerSpec) -> WorkerReply:
        reply: WorkerReply = await self._ask(StartWorker(spec), START_S)
        return reply

    async def check(self, spec: WorkerSpec) -> WorkerCheck:
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

    async def _ask(self, message: Any, timeout_s: float) -> Any:
        return await self._session.request(message, timeout_s)
