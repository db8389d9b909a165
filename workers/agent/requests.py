"""Requests to their answers. What may take long runs in a thread of its own, a few at a time."""

import os
from typing import Any, Callable, Optional

from workers.agent.lane import Finished, Lane, run_apart
from workers.protocol import (
    AdoptProcess,
    CheckWorker,
    ClearOrphan,
    CommandWorker,
    DescribeProcess,
    DescribeWorker,
    ExplainDisk,
    Failure,
    FindErrors,
    FindOrphans,
    ForgetWorker,
    ListFiles,
    ListProcesses,
    ReadManifest,
    SearchLog,
    SignalProcess,
    StartWorker,
    StoreCode,
    Uninstall,
)

MAX_RUNNING = 8
MAX_WORKER_ASKS = 32  # beside these: the copies of a worker are started all at once
_WORKER_ASKS = (StartWorker, CheckWorker, CommandWorker, ForgetWorker, DescribeWorker, FindOrphans,
                AdoptProcess, ClearOrphan, StoreCode)  # fmt: skip
_ENDING = (CommandWorker, SignalProcess)

Reply = Callable[[int, Any], None]


class Requests:
    """Answers what the console asks, each under its stream number."""

    def __init__(self, sampler: Any, sampling: Lane, finished: Finished, reply: Reply) -> None:
        self._sampler = sampler
        self._sampling = sampling
        self._finished = finished
        self._reply = reply
        self._running = 0
        self._worker_asks = 0
        self.workers: Any = None
        """The ``LateRoom`` that answers what is asked about workers."""
        self.root = ""
        """Where relative paths start, as configured; "" is the home directory."""
        self.state_directory: Optional[str] = None
        """What an uninstall clears."""
        self.ledger = LateLedger(finished)
        """What lists the files of datasets."""

    def start(self, stream: int, message: Any) -> None:
        """Begins one request; its reply goes out when it is done, a Failure if it cannot be."""
        if isinstance(message, _WORKER_ASKS):
            self._start_worker_ask(stream, message)
            return
        if self._running >= MAX_RUNNING:
            self._reply(stream, Failure("failed", f"{MAX_RUNNING} requests run already; try again"))
            return
        self._running += 1

        def done(value: Any, error: Any) -> None:
            self._running -= 1
            self._reply(stream, value if error is None else _failure(error))

        # The process table belongs to the sampling lane: two sweeps at once would spoil the rates.
        if isinstance(message, (ListProcesses, DescribeProcess)):
            self._sampling.submit(lambda: self._answer(message), done)
        elif isinstance(message, ListFiles):
            self.ledger.list_files(message, self.root, done)
        else:
            spare = self._spare(message)
            run_apart("request", self._finished, lambda: self._answer(message), done, spare)

    def _start_worker_ask(self, stream: int, message: Any) -> None:
        if self._worker_asks >= MAX_WORKER_ASKS:
            text = f"{MAX_WORKER_ASKS} requests about workers run already; try again"
            self._reply(stream, Failure("failed", text))
            return
        self._worker_asks += 1

        def done(value: Any, error: Any) -> None:
            self._worker_asks -= 1
            self._reply(stream, value if error is None else _failure(error))

        spare = self._spare(message)
        run_apart("worker", self._finished, lambda: self.workers.answer(message), done, spare)

    def _spare(self, message: Any) -> Optional[Lane]:
        """What ends a storm of forks must not need a thread that the storm leaves nobody."""
        return self._sampling if isinstance(message, _ENDING) else None

    def _answer(self, message: Any) -> Any:
        """Each answer's code is imported when it is first wanted."""
        if isinstance(message, ListProcesses):
            self._sampler.processes.sweep()  # the last sample may be old, or there is none
            return self._sampler.processes.table(message.limit)
        if isinstance(message, DescribeProcess):
            from workers.agent.details import describe

            return describe(message, self._sampler.processes)
        if isinstance(message, SignalProcess):
            from workers.agent.signals import deliver

            return deliver(message)
        if isinstance(message, ExplainDisk):
            from workers.agent.disk_usage import explain

            return explain(message, self.root)
        if isinstance(message, Uninstall):
            from workers.agent.uninstall import uninstall

            return uninstall(message, self.state_directory)
        if isinstance(message, (SearchLog, FindErrors)):
            from workers.agent.logs.asking import answer

            return answer(message, self.workers.node_folder if self.workers else None, self.root)
        if isinstance(message, ReadManifest):
            from workers.agent.ledger import read_manifest

            return read_manifest(message)
        return Failure("unsupported", f"this agent cannot answer {type(message).__name__}")


class LateLedger:
    """Lists files in a lane of its own, imported with the first question: a listing may take minutes."""

    def __init__(self, finished: Finished) -> None:
        self._node_key = ""
        self._cache_directory: Optional[str] = None
        self._lane = Lane("listing", finished)
        self._answers: Any = None

    def of_node(self, node_key: str, state_directory: Optional[str]) -> None:
        """Which node this is, and where the counter of its data remembers counts."""
        self._node_key = node_key
        if state_directory is not None:
            self._cache_directory = os.path.join(state_directory, "nodes", node_key)

    def list_files(self, message: ListFiles, root: str, done: Callable[[Any, Any], None]) -> None:
        self._lane.submit(lambda: self._real().files(message, root), done)

    def _real(self) -> Any:
        if self._answers is None:
            from workers.agent.ledger import LedgerAnswers

            self._answers = LedgerAnswers(self._node_key, self._cache_directory)
        return self._answers


def _failure(error: Exception) -> Failure:
    if isinstance(error, PermissionError):
        return Failure("not_permitted", str(error))
    if isinstance(error, (FileNotFoundError, ProcessLookupError)):
        return Failure("gone", str(error))
    if isinstance(error, OSError) and not error.errno and error.strerror:
        return Failure("failed", error.strerror)
    return Failure("failed", f"{type(error).__name__}: {error}")
