"""A job that is waited for: one line on the terminal that says how far it is."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from console import formatting
from console.cli.output import complain
from console.fleet.jobs import JobRow
from console.operations.outcomes import Target
from console.text import one_line

if TYPE_CHECKING:
    from console.runtime import Runtime

EVERY_S = 0.5
_WIDTH = 100


async def shown_while(runtime: Runtime, target: Target, waiting: Awaitable[object]) -> None:
    """Waits; whoever leaves (Ctrl-C) is told that the job goes on."""
    task = asyncio.ensure_future(waiting)
    on_terminal = sys.stderr.isatty()
    try:
        while not task.done():
            await asyncio.wait((task,), timeout=EVERY_S)
            if on_terminal:
                _show(runtime, target)
    except asyncio.CancelledError:
        task.cancel()
        _wipe(on_terminal)
        complain(
            f"left; {target.name} goes on: `jobs show {target.name}`, `jobs cancel {target.name}`"
        )
        raise
    _wipe(on_terminal)
    task.result()


def words(row: JobRow) -> str:
    """`sync: running, 1/3 nodes, 45 %, 1.2 GB of 3.1 GB, 12 MB/s, 3 min left`."""
    amount = row.amount
    said = [f"{row.name}: {row.state}"]
    if amount.nodes:
        said.append(f"{amount.nodes_done}/{amount.nodes}")
    if amount.share is not None:
        said.append(f"{amount.share:.0%}")
    if amount.bytes is not None and amount.bytes_total is not None:
        said.append(f"{formatting.size(amount.bytes)} of {formatting.size(amount.bytes_total)}")
    if amount.rate:
        said.append(f"{formatting.size(amount.rate)}/s")
    if amount.eta_s is not None:
        said.append(f"{formatting.age(amount.eta_s)} left")
    return ", ".join(said)


def _show(runtime: Runtime, target: Target) -> None:
    for row in runtime.jobs.rows():
        if row.view and row.view.record.run_id == target.run_id:
            sys.stderr.write(f"\r\x1b[K{one_line(words(row), _WIDTH)}")
            sys.stderr.flush()


def _wipe(on_terminal: bool) -> None:
    if on_terminal:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
