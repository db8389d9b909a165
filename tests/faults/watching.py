"""A console without a screen on some hosts, and what a person would have seen of each in its time."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from console.fleet.changes import Change, NodeChanged
from console.fleet.model import Node
from console.runtime import Runtime
from console.settings.load import load
from tests.keys import public_line
from tests.loopback import LoopbackFleet
from tests.namespaces import LoopbackHost

LONG = bool(os.environ.get("QUARTERDECK_TEST_LONG"))
TIMEOUT_S = 1200 if LONG else 120  # of one test
PATIENCE = 2.0  # a deadline of a test is a promised time times this


def lasting(full_s: float, shrunk_s: float) -> float:
    """How long a fault lasts: its full time in a long run."""
    return full_s if LONG else shrunk_s


class Seen(NamedTuple):
    """A state a node was shown in, since when (monotonic seconds)."""

    at: float
    state: str
    reason: str


@dataclass(frozen=True)
class Entry:
    """A node of the settings: a host, reached at its own address or at another one."""

    host: LoopbackHost
    key: Path
    address: str = ""
    port: int = 22

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def settings(self) -> dict[str, object]:
        address = self.address or self.host.address
        return {
            "name": self.name, "address": address, "port": self.port,
            "user": self.host.user, "identity": str(self.key),
        }  # fmt: skip

    @property
    def known_hosts_line(self) -> str:
        address = self.address or self.host.address
        name = address if self.port == 22 else f"[{address}]:{self.port}"
        return f"{name} {public_line(self.host.host_key)}\n"


def entries(fleet: LoopbackFleet) -> list[Entry]:
    """All hosts of a fleet at their own addresses."""
    return [Entry(host, fleet.key) for host in fleet.hosts]


def write_settings(
    folder: Path, nodes: list[Entry], ssh: Mapping[str, Any] | None = None, **more: Any
) -> Path:
    """Settings for these nodes in `folder`, complete with known_hosts."""
    known_hosts = folder / "known_hosts"
    known_hosts.write_text("".join(entry.known_hosts_line for entry in nodes))
    empty = folder / "ssh_config"
    empty.write_text("")
    tree = {
        "nodes": [entry.settings for entry in nodes],
        "ssh": {
            "config": str(empty), "known_hosts": [str(known_hosts)],
            "own_known_hosts": str(folder / "trusted"), **(ssh or {}),
        },
        **more,
    }  # fmt: skip
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump(tree))
    path.chmod(0o600)
    return path


class Watched:
    """A running console. `seen[name]` are the states of a node in order."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.seen: dict[str, list[Seen]] = {}
        runtime.store.subscribe(self._changed)

    def _changed(self, change: Change) -> None:
        if not isinstance(change, NodeChanged) or change.node not in self.runtime.store.nodes:
            return
        node = self.node(change.node)
        seen = self.seen.setdefault(change.node, [])
        if not seen or seen[-1].state != node.state:
            seen.append(Seen(time.monotonic(), node.state, node.reason))

    def node(self, name: str) -> Node:
        return self.runtime.store.nodes[name]

    def pid(self, name: str) -> int:
        """The agent's process number on its node."""
        hello = self.node(name).hello
        return hello.pid if hello else 0

    def states_since(self, name: str, at: float) -> set[str]:
        """Every state the node was shown in from `at` on."""
        seen = self.seen[name]
        earlier = [each.state for each in seen if each.at <= at][-1:]
        return {*earlier, *(each.state for each in seen if each.at > at)}

    async def until(self, what: str, holds: Callable[[], bool], within_s: float) -> float:
        """Seconds until it holds. Raises AssertionError that tells what was seen."""
        start = time.monotonic()
        while not holds():
            if time.monotonic() - start > within_s:
                raise AssertionError(f"not within {within_s} s: {what}\n{self._story()}")
            await asyncio.sleep(0.02)
        return time.monotonic() - start

    async def until_state(self, name: str, state: str, within_s: float) -> float:
        return await self.until(
            f"{name} is {state}", lambda: self.node(name).state == state, within_s
        )

    async def until_all_up(self, within_s: float = 30.0) -> float:
        """Up with figures."""
        nodes = self.runtime.store.nodes.values()
        return await self.until(
            "all up", lambda: all(n.state == "up" and n.sample is not None for n in nodes), within_s
        )

    async def until_back(self, name: str, before: int, within_s: float) -> float:
        """Up again by another agent than `before`."""
        return await self.until(
            f"{name} up with a new agent",
            lambda: self.node(name).state == "up" and self.pid(name) != before,
            within_s,
        )

    def _story(self) -> str:
        lines = []
        now = time.monotonic()
        for name, seen in self.seen.items():
            for each in seen[-8:]:
                lines.append(f"{name}: {now - each.at:6.1f} s ago {each.state} {each.reason}")
            lines.append(f"{name}: now {self.node(name).state} {self.node(name).reason}")
        return "\n".join(lines)


@asynccontextmanager
async def watching(
    folder: Path, nodes: list[Entry], ssh: Mapping[str, Any] | None = None, **more: Any
) -> AsyncIterator[Watched]:
    """A console on these nodes, its own files in `folder`. At its end nothing of it may be left."""
    folder.mkdir(exist_ok=True, mode=0o700)
    home = folder / "console-home"
    home.mkdir(exist_ok=True, mode=0o700)
    tasks, sockets = asyncio.all_tasks(), open_sockets()
    loaded = load(write_settings(folder, nodes, ssh, **more), {"HOME": str(home)})
    async with Runtime(loaded, loaded.specs()) as runtime:
        yield Watched(runtime)
    await _nothing_left(tasks, sockets)


def open_sockets() -> set[str]:
    """The sockets this process holds."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(entry)
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


async def _nothing_left(tasks: set[asyncio.Task[Any]], sockets: set[str]) -> None:
    deadline = time.monotonic() + 5
    while True:
        left_tasks = [task for task in asyncio.all_tasks() - tasks if not task.done()]
        left_sockets = open_sockets() - sockets
        if not left_tasks and not left_sockets:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"the console left {left_tasks} {left_sockets}")
        await asyncio.sleep(0.05)
