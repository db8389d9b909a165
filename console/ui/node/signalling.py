"""Signals to processes, each to the very process that was shown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.errors import QuarterdeckError
from console.fleet.model import Node
from workers.protocol import Process, ProcessIdentity

if TYPE_CHECKING:
    from console.runtime import Runtime


def identity_of(node: Node | None, process: Process) -> ProcessIdentity | None:
    """Boot, PID namespace, number and start; None while the node has not said hello."""
    hello = node.hello if node else None
    if hello is None:
        return None
    return ProcessIdentity(hello.boot_id, hello.pid_namespace, process.pid, process.start_ticks)


async def send_signal(
    runtime: Runtime, node: str, processes: Sequence[Process], name: str
) -> list[str]:
    """Sends to all at once; gives a sentence for each where it was not done."""
    said = await asyncio.gather(*(_send_one(runtime, node, each, name) for each in processes))
    return [text for text in said if text]


async def _send_one(runtime: Runtime, node: str, process: Process, name: str) -> str:
    identity = identity_of(runtime.store.nodes.get(node), process)
    label = f"{process.pid} {process.name}"
    if identity is None:
        return f"{label}: {node} is not connected; nothing was sent"
    try:
        outcome = await runtime.processes.signal(node, identity, name)
    except QuarterdeckError as error:
        return f"{label}: {error}"
    return "" if outcome.delivered else f"{label}: {outcome.reason}"
