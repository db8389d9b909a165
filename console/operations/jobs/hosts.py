"""How a job reaches each machine: OpenSSH's command, and what is known of the node."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from console.channels.unattended import Unattended
from console.errors import LinkError
from console.fleet.model import Node, NodeSpec, Transport
from console.settings.jobs import JobSettings

Ways = Callable[[NodeSpec], Awaitable[Unattended]]  # raises LinkError
UP = "up"  # what a job is told of a node that answers
_FROM_AFAR = (
    "-o",
    "BatchMode=yes",
    "-o",
    "ConnectTimeout=5",
    "-o",
    "StrictHostKeyChecking=yes",
    "-a",
    "-k",
    "-x",
)


async def hosts(
    job: JobSettings, names: Iterable[str], nodes: Mapping[str, Node], here: str, ways: Ways
) -> dict[str, dict[str, Any]]:
    """The document's `hosts`, as seen from the node `here`."""
    from_afar = nodes[here].spec.transport is Transport.SSH
    way = _from_afar if from_afar else ways
    chosen = [nodes[name] for name in dict.fromkeys(names)]
    found = await asyncio.gather(*(_host(job, node, here, way) for node in chosen))
    return {node.name: host for node, host in zip(chosen, found, strict=True)}


async def _host(job: JobSettings, node: Node, here: str, ways: Ways) -> dict[str, Any]:
    command: tuple[str, ...] | None = None
    problem: str | None = None
    if node.name != here:
        try:
            command, said = await ways(node.spec)
            problem = said or None
        except LinkError as error:
            command, problem = ("ssh", "--", node.name), str(error)
    cap = job.cap(node.name, node.spec.tags)
    limits: dict[str, Any] = {}
    if cap is not None:
        limits = {
            "group": cap.hosts,
            "concurrency": cap.concurrency or 0,
            "bandwidth_kib_s": kib(cap.bandwidth),
        }
    return {
        "ssh": list(command) if command else None,
        "root": node.spec.root or "~",
        "node_key": node.hello.node_key if node.hello else None,
        "tags": list(node.spec.tags),
        "problem": problem,
        "seen": UP if node.state == UP else f"{node.state}: {node.reason or ''}".rstrip(": "),
        "limits": limits,
    }


async def _from_afar(spec: NodeSpec) -> Unattended:
    """From another machine than this: with the keys, known hosts and ssh_config that it has itself."""
    if spec.transport is not Transport.SSH:
        text = f"{spec.name} is the console's own machine, which no other one reaches"
        return Unattended(("ssh", "--", spec.name), text)
    words = ["ssh", "-T", *_FROM_AFAR]
    words += ["-l", spec.user] if spec.user else []
    words += ["-p", str(spec.port)] if spec.port else []
    words += ["-J", spec.jump] if spec.jump else []
    return Unattended((*words, "--", spec.address or spec.name))


def kib(size: int) -> int:
    """KiB of a number of bytes; a little is not nothing."""
    return max(1, size // 1024) if size else 0
