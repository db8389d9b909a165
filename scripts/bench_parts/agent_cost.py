"""What the agent costs a node at 1 Hz, beside htop and glances in the same seconds.

All run at once on this machine, which holds 300 processes: the agent through the local channel as the
console starts it, with everything the fleet screen asks for; htop and glances on terminals of their
own with the same period; and glances in its cheapest mode, one value as text. CPU and memory are those
of each one's whole process tree.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from console.channels.bundle import build
from console.channels.channel import Channel, Progress
from console.channels.local import LocalChannel, LocalDialer
from console.fleet.events import Event, SampleArrived
from console.fleet.model import NodeSpec, Transport
from console.sessions.session import Session
from workers.protocol import Configure

from .process_tree import cpu_s, memory_bytes, process_count
from .table import Row, render, times, verdict
from .terminal import Terminal

PROCESSES = 300
START_S = 20.0
SETTLE_S = 6.0
WINDOW_S = 20.0
MOST_PERCENT = 1.0  # of one core
MOST_OF_GLANCES = 0.25
MOST_BYTES = 25e6


def run() -> list[Row]:
    """Measures for half a minute."""
    return asyncio.run(_run())


class Watched(Protocol):
    """Something that runs and whose process tree is measured."""

    @property
    def pid(self) -> int: ...


class Agent(LocalDialer):
    """An agent on the local channel, its session, and how many samples came."""

    def __init__(self, home: str, wanted: Configure) -> None:
        super().__init__({**os.environ, "HOME": home})
        self.samples = 0
        self.live = asyncio.Event()
        self._channel: LocalChannel | None = None
        spec = NodeSpec("local", Transport.LOCAL)
        self.session = Session(spec, self, self._take, build())
        self.session.configure(wanted)
        self._task = asyncio.create_task(self.session.run())

    @property
    def pid(self) -> int:
        assert self._channel is not None, "the agent was not started"
        return self._channel.pid

    async def dial(self, command: str, progress: Progress) -> Channel:
        channel = await super().dial(command, progress)
        assert isinstance(channel, LocalChannel)
        self._channel = channel
        return channel

    async def end(self) -> None:
        await self.session.close()

    def _take(self, event: Event) -> None:
        if isinstance(event, SampleArrived):
            self.samples += 1
            self.live.set()


class Cost:
    """CPU of a tree between ``begin`` and ``end``, in percent of one core, and its memory at the end."""

    def __init__(self, name: str, program: Watched) -> None:
        self.name = name
        self.percent = 0.0
        self.bytes = self.resident_bytes = 0
        self._program = program
        self._before = (0.0, 0.0)

    def begin(self, now: float) -> None:
        self._before = (now, cpu_s(self._program.pid))

    def end(self, now: float) -> None:
        since, used = self._before
        self.percent = (cpu_s(self._program.pid) - used) / (now - since) * 100
        self.bytes = memory_bytes(self._program.pid)
        self.resident_bytes = memory_bytes(self._program.pid, "Rss")


async def _run() -> list[Row]:
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="quarterdeck-bench-"))
        stack.enter_context(_sleepers(PROCESSES - process_count()))
        agents = {
            "agent, summary": Agent(home, Configure(interest="summary")),
            "agent, full": Agent(home, Configure(interest="full")),
        }
        peers, missing = _peers(home)
        for terminal in peers.values():
            stack.callback(terminal.close)
        programs: dict[str, Watched] = {**agents, **peers}
        try:
            for agent in agents.values():
                await asyncio.wait_for(agent.live.wait(), START_S)
            await asyncio.sleep(SETTLE_S)
            costs = await _measure(programs)
            number = process_count()
            _check(agents, peers)
        finally:
            for agent in agents.values():
                await agent.end()
    return _rows(costs, missing, number)


async def _measure(programs: dict[str, Watched]) -> dict[str, Cost]:
    clock = asyncio.get_running_loop().time
    costs = {name: Cost(name, program) for name, program in programs.items()}
    for cost in costs.values():
        cost.begin(clock())
    await asyncio.sleep(WINDOW_S)
    for cost in costs.values():
        cost.end(clock())
    return costs


def _check(agents: dict[str, Agent], peers: dict[str, Terminal]) -> None:
    """A program that did nothing costs nothing: that is no result."""
    for name, agent in agents.items():
        if agent.samples < WINDOW_S * 0.8:
            raise RuntimeError(f"{name}: {agent.samples} samples in {WINDOW_S} s")
    for name, terminal in peers.items():
        if not terminal.alive or terminal.drawn_bytes == 0:
            raise RuntimeError(f"{name} did not run")


def _peers(home: str) -> tuple[dict[str, Terminal], list[str]]:
    """htop and glances where they are installed, and the names of those that are not."""
    environment = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": home}
    beside = Path(sys.executable).parent / "glances"
    glances = str(beside) if beside.exists() else shutil.which("glances")
    htop = shutil.which("htop")
    found, missing = {}, []
    if htop:
        found["htop"] = Terminal([htop, "-d", "10"], environment)
    else:
        missing.append("htop")
    if glances:
        quiet = ["--disable-check-update", "-t", "1"]
        found["glances"] = Terminal([glances, *quiet], environment)
        found["glances --stdout"] = Terminal([glances, *quiet, "--stdout", "cpu.user"], environment)
    else:
        missing.append("glances")
    return found, missing


def _rows(costs: dict[str, Cost], missing: list[str], number: int) -> list[Row]:
    scene = f"{number} processes, {WINDOW_S:.0f} s, all programs at once"
    rows: list[Row] = []
    for name in ("agent, summary", "agent, full"):
        cost = costs[name]
        peers = [costs[peer] for peer in _PEERS if peer in costs]
        rows.append(_processor(cost, scene))
        rows += [_beside(cost, peer) for peer in peers]
        rows.append(_memory(cost, peers))
    return rows + [Row(name, verdict="not installed here") for name in missing]


def _processor(cost: Cost, scene: str) -> Row:
    return Row(
        f"{cost.name}: CPU at 1 Hz",
        _percent(cost),
        target=f"≤ {MOST_PERCENT:g} % of a core",
        verdict=verdict(cost.percent <= MOST_PERCENT),
        note=scene,
    )


def _memory(cost: Cost, peers: list[Cost]) -> Row:
    return Row(
        f"{cost.name}: memory (PSS)",
        _size(cost.bytes),
        ", ".join(f"{_size(peer.bytes)} {peer.name}" for peer in peers),
        target=f"≤ {MOST_BYTES / 1e6:.0f} MB",
        verdict=verdict(cost.bytes <= MOST_BYTES),
        note=f"resident, with all that is shared: {_size(cost.resident_bytes)}",
    )


_PEERS = {
    "htop": "-d 10, screen of 200 × 60",
    "glances": "-t 1, screen of 200 × 60",
    "glances --stdout": "-t 1 --stdout cpu.user: no screen, its cheapest mode",
}


def _beside(cost: Cost, peer: Cost) -> Row:
    ratio = cost.percent / peer.percent if peer.percent else float("inf")
    bound = peer.name.startswith("glances")
    return Row(
        f"  beside {peer.name}",
        _percent(cost),
        f"{_percent(peer)} {peer.name}",
        times(ratio),
        f"≤ {MOST_OF_GLANCES} ×" if bound else "",
        verdict(ratio <= MOST_OF_GLANCES) if bound else "",
        _PEERS[peer.name],
    )


def _percent(cost: Cost) -> str:
    return f"{cost.percent:.2f} %"


def _size(number: int) -> str:
    return f"{number / 1e6:.1f} MB"


@contextmanager
def _sleepers(number: int) -> Iterator[None]:
    """So many processes more."""
    children = [subprocess.Popen(["sleep", "600"]) for _ in range(max(0, number))]
    try:
        yield
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.wait()


if __name__ == "__main__":
    print(render("Cost of the agent", run()))
