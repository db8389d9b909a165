"""Fleets for the tests of the screen: a store fed by hand behind the smallest possible runtime."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

from console.demo import facts
from console.demo.fleet import specs
from console.demo.past import past_events
from console.fleet.events import (
    ClockTicked,
    DatasetsArrived,
    Event,
    HeartbeatArrived,
    LinkLost,
    LinkUp,
    NodeAdded,
    SampleArrived,
)
from console.fleet.model import NodeSpec, Problem, ProblemKind, Transport
from console.fleet.store import FleetStore
from console.operations.bulletin import BulletinBoard
from workers.protocol import (
    DatasetCount,
    DatasetReport,
    Disk,
    Gpu,
    GpuReport,
    Heartbeat,
    Hello,
    Host,
    Memory,
    Process,
    Sample,
)

CLOCK = 1_790_000_000.0
GIB = 1024**3


@dataclass
class StandIn:
    """What the app asks of a runtime."""

    store: FleetStore
    read_only: bool = False
    interval: float = 1.0
    sessions: dict[str, Any] = field(default_factory=dict)
    settings: Any = field(default_factory=SimpleNamespace)
    loaded: Any = field(default_factory=lambda: SimpleNamespace(sources=None, files=()))
    board: BulletinBoard = field(default_factory=lambda: BulletinBoard(lambda: CLOCK))
    nodes: Any = field(default_factory=lambda: SimpleNamespace(ssh_command=lambda name: ["true"]))
    workers: Any = field(default_factory=lambda: SimpleNamespace(presets=lambda: ()))

    def retry(self, node: str) -> None:
        """Nothing to try again."""


def demo_store(nodes: int, at: float = 10_000_000.0) -> FleetStore:
    """The demo's fleet as it stands when it opens, without its links."""
    return fed(_demo_past(nodes, at))


@cache
def _demo_past(nodes: int, at: float) -> tuple[Event, ...]:
    return tuple(past_events(specs(nodes), at, CLOCK, brief=nodes > 24))


def fed(events: Iterable[Event]) -> FleetStore:
    store = FleetStore()
    for event in events:
        store.apply(event)
    return store


def node_up(
    name: str, at: float = 100.0, tags: tuple[str, ...] = (), word: str = ""
) -> list[Event]:
    """A node with a reading in which `word` stands wherever a node can put a string."""
    say = word or "fine"
    hello = facts.hello(0)._replace(hostname=say, node_key=name, system=say, kernel=say, user=say)
    return [
        NodeAdded(name, at, NodeSpec(name, Transport.MEMORY, tags=tags)),
        LinkUp(name, at, hello, CLOCK),
        HeartbeatArrived(name, at, Heartbeat(1, CLOCK, 1.0), CLOCK),
        SampleArrived(name, at, sample(say)),
        DatasetsArrived(name, at, datasets(say)),
        ClockTicked(at, CLOCK),
    ]


def sample(word: str = "fine", cpu: float | None = 41.0, gpus: int = 2) -> Sample:
    return Sample(
        sequence=1,
        clock=CLOCK,
        boottime=1.0,
        host=Host(
            cpu_percent=cpu,
            load=(1.5, 1.0, 0.5),
            memory=Memory(total_bytes=64 * GIB, used_bytes=16 * GIB),
            uptime_s=86_400.0 * 3,
            users=(word,),
        ),
        disks=(
            Disk(
                path=f"/data/{word}",
                device=word,
                total_bytes=1000,
                used_bytes=990,
                available_bytes=10,
            ),
            Disk(path="/", fault=word),
        ),
        gpu=GpuReport(
            gpus=tuple(
                Gpu(i, name=word, utilization_percent=50.0, fault=word if i else None)
                for i in range(gpus)
            ),
            driver=word,
        ),
        top=(
            Process(1, 2, 0, word, f"{word} --run", word, "R", cpu_percent=99.0, memory_bytes=GIB),
        ),
    )


def datasets(word: str) -> DatasetReport:
    return DatasetReport(
        CLOCK,
        (
            DatasetCount(
                word, files=1, records=12, bytes=5, unreadable_files=1, unreadable=(word,)
            ),
            DatasetCount(f"{word}2", reason=word, faults=(word,)),
        ),
    )


def many_store(nodes: int) -> FleetStore:
    """That many nodes, all alike."""
    return fed(event for number in range(nodes) for event in node_up(f"sim-{number:04}"))


def node_lost(name: str, text: str, at: float = 100.0) -> list[Event]:
    problem = Problem(ProblemKind.REFUSED, text, f"remedy {text}")
    return [
        NodeAdded(name, at, NodeSpec(name, Transport.MEMORY)),
        LinkLost(name, at, problem, 1, at + 5),
    ]


__all__ = [
    "CLOCK",
    "Hello",
    "StandIn",
    "datasets",
    "demo_store",
    "fed",
    "many_store",
    "node_lost",
    "node_up",
    "sample",
]
