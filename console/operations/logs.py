"""Logs of a node: followed, searched, their errors grouped, and the last lines of a node that is gone."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from console.operations.log_cache import LastSeen, LogCache
from console.operations.reach import Reach
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


class LogOperations:
    """Reading changes nothing on a node. `cache` None: nothing is kept here."""

    def __init__(self, reach: Reach, cache: LogCache | None) -> None:
        self._reach = reach
        self._cache = cache

    async def tail(
        self, node: str, ask: OpenTail
    ) -> AsyncGenerator[LogChunk | TailNote | TailEnded, None]:
        """The bytes of a log as they come, in order, each once; the last item is the TailEnded.

        Goes on over lost links where `ask` follows. Close it (`aclose`) when it is not read to its end.
        Raises RequestFailed, RequestLost, UsageError.
        """
        keep = self._cache is not None and ask.follow and not ask.filter
        items = self._reach.backend(node).tail(ask)
        try:
            async for item in items:
                if keep and isinstance(item, LogChunk):
                    self._keep(node, ask, item)
                yield item
        finally:
            await items.aclose()

    async def search(self, node: str, ask: SearchLog) -> LogMatches:
        """Lines of the whole log that match; more of them from its `next` on. Raises as `tail`."""
        return await self._reach.backend(node).search(ask)

    async def errors(self, node: str, ask: FindErrors) -> LogErrors:
        """What went wrong, grouped and counted on the node. Raises as `tail`."""
        return await self._reach.backend(node).errors(ask)

    async def last_seen(self, node: str, run_id: str) -> LastSeen | None:
        """The last lines that were followed here; the node is not asked. None where nothing is kept."""
        return None if self._cache is None else await self._cache.last_seen(node, run_id)

    async def close(self) -> None:
        """Writes what waits."""
        if self._cache is not None:
            await self._cache.close()

    def _keep(self, node: str, ask: OpenTail, chunk: LogChunk) -> None:
        assert self._cache is not None
        self._cache.keep(node, ask.run_id or f"file {ask.path}", chunk)
