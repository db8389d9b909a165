"""The seam: where workers run. A backend is one place (a node, later a cluster) and speaks the protocol's types."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from workers.protocol import (
    AdoptProcess,
    CommandWorker,
    Done,
    FindErrors,
    LogChunk,
    LogErrors,
    LogMatches,
    OpenTail,
    OrphanReport,
    SearchLog,
    TailEnded,
    TailNote,
    WorkerCheck,
    WorkerDetails,
    WorkerReply,
    WorkerSpec,
)

EXISTS = "exists"  # the name is taken by a live run, or a lock by its holder; the text names it
REFUSED = "refused"  # a check that failed, a run that is not in the state for it
SUPERSEDED = "superseded"  # somebody wanted something else since
GONE = "gone"  # there is no such run
REFUSALS = frozenset({EXISTS, REFUSED, SUPERSEDED, "not_permitted"})


class Backend(Protocol):
    """Each call raises RequestFailed (nothing was done; its code is one of the above or the place's own) and
    RequestLost (whether it was done is unknown)."""

    async def start(self, spec: WorkerSpec) -> WorkerReply:
        """Starts a run. The same run id again is the same run."""
        ...

    async def check(self, spec: WorkerSpec) -> WorkerCheck:
        """Would it start? Changes nothing."""
        ...

    async def command(self, command: CommandWorker) -> WorkerReply:
        """stop, kill, restart, restart_force or drain; answered once it is durable, not once it is over."""
        ...

    async def forget(self, run_id: str) -> Done:
        """Removes what is kept of a run that is over."""
        ...

    async def describe(self, run_id: str, points: int = 120) -> WorkerDetails:
        """All about one run, with the newest `points` of each metric."""
        ...

    async def orphans(self) -> OrphanReport:
        """What no record owns, and records that own nothing."""
        ...

    async def adopt(self, adoption: AdoptProcess) -> WorkerReply:
        """Watches a process that nobody of us started."""
        ...

    async def clear(self, orphan_id: str, act: str) -> Done:
        """One of an orphan's acts, adopting excepted."""
        ...

    def tail(self, ask: OpenTail) -> AsyncGenerator[LogChunk | TailNote | TailEnded, None]:
        """The bytes of a log as they come, in order, each once; the last item is the TailEnded.

        Close it (``aclose``) when it is not read to its end.
        """
        ...

    async def search(self, ask: SearchLog) -> LogMatches:
        """Lines of the whole log that match."""
        ...

    async def errors(self, ask: FindErrors) -> LogErrors:
        """What went wrong, grouped and counted."""
        ...
