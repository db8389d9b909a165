"""The three ways to a node, each as a fixture value with the same interface."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.channels.channel import Channel, Dialer
from console.channels.local import LocalDialer
from console.channels.memory import MemoryDialer
from console.fleet.model import NodeSpec, Transport
from tests.agents import serve_real_agent

Serve = Callable[[Channel], Awaitable[None]]


@dataclass(frozen=True)
class Way:
    """One transport: its dialer and the entry of the node behind it."""

    dialer: Dialer
    spec: NodeSpec


@asynccontextmanager
async def local(home: Path) -> AsyncIterator[Way]:
    import os

    yield Way(LocalDialer({**os.environ, "HOME": str(home)}), NodeSpec("here", Transport.LOCAL))


@asynccontextmanager
async def memory(serve: Serve = serve_real_agent) -> AsyncIterator[Way]:
    yield Way(MemoryDialer(serve), NodeSpec("there", Transport.MEMORY))


@asynccontextmanager
async def ssh(server: Any) -> AsyncIterator[Way]:
    from console.channels.ssh import SshDialer, SshNetwork
    from console.settings.model import SshSettings

    known_hosts = server.folder / "known_hosts"
    known_hosts.write_text(server.known_hosts_line)
    config = server.folder / "ssh_config"
    config.write_text("")
    network = SshNetwork(
        SshSettings(
            config=config,
            known_hosts=(known_hosts,),
            own_known_hosts=server.folder / "own_known_hosts",
        )
    )
    spec = NodeSpec(
        "far", address=server.host, port=server.port, user=server.user, identity=str(server.key)
    )
    try:
        yield Way(SshDialer(spec, network), spec)
    finally:
        await network.close()
