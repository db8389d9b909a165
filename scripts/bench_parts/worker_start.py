"""From the ask to start a worker to the first line of its log, here and over SSH."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

from scripts.bench_parts.launch import home
from scripts.bench_parts.table import Row, seconds
from scripts.bench_parts.worker_fleet import opened, start
from tests.loopback import LoopbackFleet, unavailable
from workers.protocol import LogChunk, OpenTail

ROUNDS = 7


def run() -> list[Row]:
    with home() as folder:
        rows = [_row("start → first log line, this machine", asyncio.run(_times(folder, None)))]
    reason = unavailable()
    if reason:
        return [*rows, Row("start → first log line, over SSH", verdict="skipped", note=reason)]
    with LoopbackFleet(1) as fleet, home() as folder:
        found = asyncio.run(_times(folder, fleet.settings))
        return [*rows, _row("start → first log line, over SSH", found)]


def _row(what: str, found: list[float]) -> Row:
    first, *later = found
    note = "the first of an agent, which makes its starter and reads the login environment: "
    middle = f"{seconds(statistics.median(later))} (worst {seconds(max(later))})"
    return Row(what, middle, note=note + seconds(first))


async def _times(folder: Path, settings: Path | None) -> list[float]:
    """Each round: another worker; the tail is opened as soon as the start is acknowledged."""
    found = []
    async with opened(folder, settings) as runtime:
        node = next(iter(runtime.store.nodes))
        for number in range(ROUNDS):
            began = time.perf_counter()
            (run_id,) = await start(runtime, f"b{number}", "sh", "-c", "echo first; exec sleep 600")
            session = runtime.sessions[node]
            async for piece in session.tail(OpenTail(run_id, back_bytes=-1)):
                if isinstance(piece, LogChunk) and b"first" in piece.data:
                    break
            found.append(time.perf_counter() - began)
    return found
