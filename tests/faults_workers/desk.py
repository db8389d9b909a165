"""A person's desk: settings for some nodes, consoles without a screen on them, and what a person asks of those."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from console.fleet.model import Node
from console.fleet.workers import WorkerView
from console.operations.workers import Outcome, StartRequest
from console.runtime import Runtime
from tests.cli.program import Program
from tests.runtimes import runtime_of, settings_file
from tests.sshd import Sshd
from workers.protocol import OpenTail, TailEnded, TailNote, WorkerRecord

LONG = bool(os.environ.get("QUARTERDECK_TEST_LONG"))
PATIENCE_S = 20.0


async def until(what: str, holds: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """What `holds` gives once it is true; fails with `what` when the time ran out."""
    deadline = time.monotonic() + within_s
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        await asyncio.sleep(0.02)
    return found


class Console:
    """A running console, and the verbs of a person at it."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def node(self, name: str) -> Node:
        return self.runtime.store.nodes[name]

    def agent(self, node: str) -> int:
        """The agent's process number there."""
        hello = self.node(node).hello
        assert hello is not None
        return hello.pid

    async def start(self, name: str, *command: str, node: str = "", **more: Any) -> WorkerRecord:
        """Starts one worker; its record. AssertionError with what stood against it."""
        outcome = await self.try_to_start(name, *command, node=node, **more)
        assert outcome.done, f"{outcome.verdict}: {outcome.text}"
        assert outcome.record is not None
        return outcome.record

    async def try_to_start(self, name: str, *command: str, node: str = "", **more: Any) -> Outcome:
        nodes = (node or next(iter(self.runtime.store.nodes)),)
        request = StartRequest(command=command, name=name, nodes=nodes, **more)
        (outcome,) = await self.runtime.workers.start(self.runtime.workers.plan(request))
        return outcome

    def view(self, run_id: str) -> WorkerView | None:
        """One run as it is known now, whatever its age."""
        views = self.runtime.store.workers(earlier=True)
        return next((view for view in views if view.record.run_id == run_id), None)

    async def shows(
        self, run_id: str, holds: Callable[[WorkerRecord], Any], within_s: float = PATIENCE_S
    ) -> WorkerRecord:
        """The run's record once it is of this moment and `holds` of it."""

        def look() -> WorkerRecord | None:
            view = self.view(run_id)
            return view.record if view and view.reachable and holds(view.record) else None

        try:
            found: WorkerRecord = await until("", look, within_s)
        except AssertionError:
            seen = self.view(run_id)
            states = {name: (n.state, n.reason) for name, n in self.runtime.store.nodes.items()}
            raise AssertionError(
                f"not so within {within_s:.0f} s: {seen and seen.record}; {states}"
            ) from None
        return found

    async def up(self, within_s: float = PATIENCE_S) -> None:
        """Every node has a link, and has told what runs there."""
        nodes = self.runtime.store.nodes.values()
        await until(
            f"all up: {[(node.name, node.state, node.reason) for node in nodes]}",
            lambda: all(n.state == "up" and n.workers_at is not None for n in nodes),
            within_s,
        )

    async def back(self, node: str, before: int, within_s: float = PATIENCE_S) -> None:
        """The node has a link by another agent than `before`."""
        await until(
            f"{node} is back",
            lambda: (
                self.node(node).state == "up"
                and self.node(node).lost is None
                and self.agent(node) != before
            ),
            within_s,
        )

    async def act(self, run_id: str, act: str, node: str = "", **more: Any) -> Outcome:
        key = (node or next(iter(self.runtime.store.nodes)), run_id)
        (outcome,) = await self.runtime.workers.act([key], act, **more)
        return outcome


class Follower:
    """Follows a log from its first byte to its end, as a log pane does."""

    def __init__(self, console: Console, node: str, run_id: str) -> None:
        self.data = bytearray()
        self.notes: list[TailNote] = []
        self.reason = ""
        ask = OpenTail(run_id, streams="out", back_bytes=-1)
        self._task = asyncio.create_task(self._follow(console, node, ask))

    async def _follow(self, console: Console, node: str, ask: OpenTail) -> None:
        async for item in console.runtime.logs.tail(node, ask):
            if isinstance(item, TailNote):
                self.notes.append(item)
            elif isinstance(item, TailEnded):
                self.reason = item.reason
            else:
                self.data += item.data

    async def grows(self, by: int = 2000) -> None:
        """Waits for so many bytes more."""
        wanted = len(self.data) + by
        await until("more of the log", lambda: len(self.data) >= wanted or self._task.done())
        if self._task.done():
            await self._task
            raise AssertionError(f"the log ended: {self.reason}")

    async def end(self) -> bytes:
        """All of it, once the worker is over."""
        await asyncio.wait_for(self._task, PATIENCE_S)
        assert self.reason == "over"
        return bytes(self.data)


class Desk:
    """Homes below `folder`: each console's own, so that one stands for one person's laptop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(mode=0o700)

    def __call__(self, *argv: str, **environ: str) -> Any:
        """`quarterdeck …` as a person types it."""
        return self.program(*argv, **environ)

    @property
    def program(self) -> Program:
        return Program(self.home)

    def settings(self, *nodes: Any, home: Path | None = None, **more: Any) -> None:
        """Settings with these nodes: `local`, or a mapping."""
        empty = self.folder / "ssh_config"
        empty.write_text("")
        known = str(self.folder / "known_hosts")
        tree = {
            "nodes": list(nodes),
            "ssh": {"config": str(empty), "known_hosts": [known]},
            **more,
        }
        (home or self.home).mkdir(mode=0o700, exist_ok=True)
        settings_file(home or self.home, yaml.safe_dump(tree))

    def far(self, server: Sshd, name: str = "far", port: int = 0) -> dict[str, Any]:
        """A node's entry for a server, which is known from then on; `port`: of what stands before it."""
        host = f"[{server.host}]:{port}" if port else server.known_host_name
        key = server.known_hosts_line.partition(" ")[2]
        with open(self.folder / "known_hosts", "a") as file:
            file.write(f"{host} {key}")
        return {"name": name, **server.settings(), "port": port or server.port}

    @asynccontextmanager
    async def console(self, home: Path | None = None, **options: Any) -> AsyncIterator[Console]:
        """A console without a screen whose nodes are all up."""
        async with runtime_of(home or self.home, **options) as runtime:
            console = Console(runtime)
            await console.up(30.0)
            yield console

    def audit(self) -> list[dict[str, Any]]:
        """What the audit log says."""
        path = self.home / ".local" / "state" / "quarterdeck" / "audit.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]


def state_of(home: Path) -> Path:
    """Where the agent of an account keeps its things."""
    return home / ".local" / "state" / "quarterdeck"


def run_folders(home: Path) -> list[Path]:
    """The run directories of an account's node."""
    return sorted(state_of(home).glob("nodes/*/runs/[0-9a-f]*"))
