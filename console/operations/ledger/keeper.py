"""When the ledger is looked at by itself: soon after a job ended, and now and then."""

from __future__ import annotations

import asyncio
import logging

from console.fleet.changes import Change, NodeChanged
from console.fleet.store import FleetStore
from console.operations.ledger import LedgerOperations
from console.sessions.clock import Clock

_log = logging.getLogger(__name__)

EVERY_S = 600.0
FIRST_S = 30.0
AFTER_JOB_S = 1.0
JOB = "job"


async def keep_ledger(ledger: LedgerOperations, store: FleetStore, clock: Clock) -> None:
    """Goes on until it is cancelled. A fleet without any data is left alone."""
    jobs = _Jobs(store)
    leave = store.subscribe(jobs.heard)
    due = clock.monotonic() + FIRST_S
    try:
        while True:
            await jobs.ended_or(max(0.0, due - clock.monotonic()))
            if jobs.ended.is_set():
                await asyncio.sleep(AFTER_JOB_S)  # what it wrote last is read with the rest
                jobs.ended.clear()
            try:
                if _holds_data(store):
                    await ledger.refresh()
            except Exception:  # what is wrong with one look must not end all others
                _log.exception("looking at the ledger")
            due = clock.monotonic() + EVERY_S
    finally:
        leave()


class _Jobs:
    """Which jobs are over, as last heard; `ended` is set when one more is."""

    def __init__(self, store: FleetStore) -> None:
        self.ended = asyncio.Event()
        self._store = store
        self._over: dict[str, frozenset[str]] = {}

    def heard(self, change: Change) -> None:
        if not isinstance(change, NodeChanged) or change.what != "workers":
            return
        views = self._store.workers_of(change.node, earlier=True)
        over = frozenset(v.record.run_id for v in views if v.record.kind == JOB and not v.live)
        before = self._over.get(change.node)
        self._over[change.node] = over
        if before is not None and over - before:
            self.ended.set()

    async def ended_or(self, timeout_s: float) -> None:
        """Waits for either."""
        try:
            await asyncio.wait_for(self.ended.wait(), timeout_s)
        except asyncio.TimeoutError:
            pass


def _holds_data(store: FleetStore) -> bool:
    return any(count.files for node in store.nodes.values() for count in node.counts)
