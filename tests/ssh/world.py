"""A network with its files in a temporary folder, a person who answers from a list, and shorthands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from console.channels.channel import Channel
from console.channels.prompt import Prompt
from console.channels.ssh import SshDialer, SshNetwork
from console.errors import LinkError
from console.fleet.model import NodeSpec, Problem
from console.settings.model import SshSettings
from tests.sshd import Sshd


@dataclass
class Person:
    """A Prompter that answers from a list, and knows if two questions were ever open at once."""

    answers: list[str | None] = field(default_factory=list)
    delay_s: float = 0.0
    prompts: list[Prompt] = field(default_factory=list)
    open: int = 0
    most_open: int = 0

    async def ask(self, prompt: Prompt) -> str | None:
        self.prompts.append(prompt)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await asyncio.sleep(self.delay_s)
            return self.answers.pop(0) if self.answers else None
        finally:
            self.open -= 1


class World:
    """Settings in a folder of their own: nothing of the real user's is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "ssh_config"
        self.known_hosts = folder / "known_hosts"
        self.own = folder / "own" / "known_hosts"
        self.config.write_text("")
        self.steps: list[str] = []

    def settings(self, **changes: Any) -> SshSettings:
        return SshSettings(
            **{
                "config": self.config,
                "known_hosts": (self.known_hosts,),
                "own_known_hosts": self.own,
                **changes,
            }
        )

    @asynccontextmanager
    async def network(
        self, person: Person | None = None, **changes: Any
    ) -> AsyncIterator[SshNetwork]:
        network = SshNetwork(self.settings(**changes), person)
        try:
            yield network
        finally:
            await network.close()

    def know(self, *servers: Sshd) -> None:
        """The user's own known_hosts lists these servers."""
        with self.known_hosts.open("a") as file:
            file.writelines(server.known_hosts_line for server in servers)

    async def dial(self, network: SshNetwork, spec: NodeSpec, command: str = "cat") -> Channel:
        return await SshDialer(spec, network).dial(command, self.steps.append)

    async def output(self, network: SshNetwork, spec: NodeSpec, command: str) -> str:
        """What a command prints."""
        channel = await self.dial(network, spec, command)
        data = b""
        while piece := await channel.read():
            data += piece
        await channel.close()
        return data.decode()

    async def problem(self, network: SshNetwork, spec: NodeSpec) -> Problem:
        """Why a dial failed; fails itself where it does not."""
        try:
            channel = await self.dial(network, spec)
        except LinkError as exc:
            return exc.problem
        await channel.close()
        raise AssertionError("the dial succeeded")


def node(server: Sshd, name: str = "n1", **changes: Any) -> NodeSpec:
    """An entry for a server, with its key."""
    spec = NodeSpec(
        name, address=server.host, port=server.port, user=server.user, identity=str(server.key)
    )
    return replace(spec, **changes)


async def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Waits until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        await asyncio.sleep(0.02)
