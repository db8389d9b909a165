"""Where log lines come from: the node's tail, its search, and what was kept here of nodes that are gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from console.operations.log_cache import LastSeen
from console.text import one_line
from workers.protocol import (
    FindErrors,
    LogChunk,
    LogErrors,
    LogMatches,
    OpenTail,
    SearchLog,
    TailEnded,
    TailNote,
)

if TYPE_CHECKING:
    from console.runtime import Runtime

TailItem = LogChunk | TailNote | TailEnded


class LogSource(NamedTuple):
    """A run of a worker, or any file of a node."""

    node: str
    run_id: str = ""
    path: str = ""
    name: str = ""  # of the worker

    @property
    def tag(self) -> str:
        """`worker@node`, in plain text on one line."""
        return one_line(
            f"{self.name or self.path.rpartition('/')[2] or self.run_id[:8]}@{self.node}", 80
        )


class LogFeed(Protocol):
    """All that the log screens ask for. Errors are QuarterdeckErrors."""

    def tail(self, node: str, ask: OpenTail) -> AsyncIterator[TailItem]:
        """Goes on over lost links, each byte once; ends by itself, or when it is closed."""
        ...

    async def search(self, node: str, ask: SearchLog) -> LogMatches: ...

    async def errors(self, node: str, ask: FindErrors) -> LogErrors: ...

    async def last_seen(self, node: str, run_id: str) -> LastSeen | None:
        """None where nothing is kept."""
        ...


def feed_of(runtime: Runtime) -> LogFeed | None:
    """The runtime's; None where it has no logs to give."""
    feed: LogFeed | None = getattr(runtime, "logs", None)
    return feed


@asynccontextmanager
async def reading(items: AsyncIterator[TailItem]) -> AsyncIterator[AsyncIterator[TailItem]]:
    """Around reading a tail: it is closed at the end, so that the node stops sending."""
    try:
        yield items
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()
