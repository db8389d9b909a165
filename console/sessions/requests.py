"""Requests on their way: each waits under its stream number for its one reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from console.errors import RequestFailed, RequestLost
from console.sessions.tail import Arrivals
from workers.protocol import (
    AdoptProcess,
    CheckWorker,
    ClearOrphan,
    CodeStored,
    CommandWorker,
    CountNow,
    DatasetReport,
    DescribeProcess,
    DescribeWorker,
    DiskExplanation,
    Done,
    ExplainDisk,
    Failure,
    FileList,
    FindErrors,
    FindOrphans,
    ForgetWorker,
    ListFiles,
    ListProcesses,
    LogErrors,
    LogMatches,
    ManifestPart,
    OrphanReport,
    ProcessDetails,
    ProcessTable,
    ReadManifest,
    SearchLog,
    SignalOutcome,
    SignalProcess,
    StartWorker,
    StoreCode,
    TailNote,
    Uninstall,
    UninstallReport,
    WorkerCheck,
    WorkerDetails,
    WorkerReply,
)

MAX_WAITING = 64

ANSWERS: dict[type[Any], type[Any]] = {
    ListProcesses: ProcessTable,
    DescribeProcess: ProcessDetails,
    SignalProcess: SignalOutcome,
    ExplainDisk: DiskExplanation,
    CountNow: DatasetReport,
    Uninstall: UninstallReport,
    StartWorker: WorkerReply,
    CheckWorker: WorkerCheck,
    CommandWorker: WorkerReply,
    ForgetWorker: Done,
    DescribeWorker: WorkerDetails,
    FindOrphans: OrphanReport,
    AdoptProcess: WorkerReply,
    ClearOrphan: Done,
    StoreCode: CodeStored,
    SearchLog: LogMatches,
    FindErrors: LogErrors,
    ListFiles: FileList,
    ReadManifest: ManifestPart,
}


class Requests:
    """The requests of one link."""

    def __init__(self) -> None:
        self._stream = 0
        self._waiting: dict[int, tuple[type[Any], asyncio.Future[Any]]] = {}
        self._tails: dict[int, Arrivals] = {}

    def open(self, message: Any) -> tuple[int, asyncio.Future[Any]]:
        """A fresh stream number for `message`, and the future of its reply. Raises RequestFailed."""
        if len(self._waiting) >= MAX_WAITING:
            raise RequestFailed("busy", f"{MAX_WAITING} requests wait for this node already")
        self._next_stream()
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[self._stream] = (type(message), future)
        return self._stream, future

    def open_tail(self, arrivals: Callable[[int], Arrivals]) -> tuple[int, Arrivals]:
        """A fresh stream number for a tail, made with it."""
        stream = self._next_stream()
        self._tails[stream] = arrivals(stream)
        return stream, self._tails[stream]

    def _next_stream(self) -> int:
        self._stream = self._stream % 0xFFFF_FFFF + 1
        return self._stream

    def data(self, stream: int, payload: bytes) -> None:
        """Hands bytes to the tail they are of. Raises ProtocolError."""
        if stream in self._tails:
            self._tails[stream].data(payload)

    def close(self, stream: int) -> None:
        """Nobody waits for this one any more; a late reply is dropped."""
        self._waiting.pop(stream, None)
        self._tails.pop(stream, None)

    def arrived(self, stream: int, reply: Any) -> None:
        """Hands a reply to who waits for it; one nobody asked for is dropped. Raises ProtocolError."""
        if stream in self._tails:
            self._tails[stream].message(reply)
            if not isinstance(reply, TailNote):
                del self._tails[stream]
            return
        asked, future = self._waiting.pop(stream, (None, None))
        if asked is None or future is None or future.done():
            return
        if isinstance(reply, Failure):
            future.set_exception(RequestFailed(reply.code, reply.text))
        elif isinstance(reply, ANSWERS[asked]):
            future.set_result(reply)
        else:
            text = f"the agent answered {asked.__name__} with {type(reply).__name__}"
            future.set_exception(RequestFailed("bad_reply", text))

    def lose(self, text: str) -> None:
        """The link ended: what had no reply yet is unknown."""
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(RequestLost(f"{text}; whether it happened is unknown"))
        self._waiting.clear()
        for tail in self._tails.values():
            tail.fail(RequestLost(text))
        self._tails.clear()
