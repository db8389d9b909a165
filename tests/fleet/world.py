"""A small fleet made of events, with time in the hands of the test."""

from __future__ import annotations

from typing import Any

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
from console.fleet.model import Node, NodeSpec, Problem, ProblemKind
from console.fleet.rules import AlertRules
from console.fleet.store import FleetStore
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

WALL = 1_790_000_000.0
GIB = 2**30
NO_GPU = GpuReport()


def hello(key: str = "key", **changes: Any) -> Hello:
    base = Hello(
        protocol=1, agent="", node_key=key, hostname="host", boot_id="boot", pid_namespace=1,
        pid=1, user="u", uid=1, home="/home/u", clock=WALL, boottime=1.0, cores=16,
        python="3.11", system="Debian", kernel="6.1", architecture="x86_64",
    )  # fmt: skip
    return base._replace(**changes)


def process(pid: int, name: str = "python", cpu: float = 0.0, memory: int = 0) -> Process:
    return Process(pid, 1, 1, name, name, "alice", "R", cpu, memory)


def sample(
    cpu: float | None = 10.0,
    load: float = 1.0,
    memory: tuple[int | None, int | None] = (100 * GIB, 50 * GIB),
    disks: tuple[Disk, ...] = (),
    gpu: GpuReport = NO_GPU,
    top: tuple[Process, ...] = (),
    **host: Any,
) -> Sample:
    facts = Host(cpu_percent=cpu, load=(load, load, load), memory=Memory(*memory), **host)
    return Sample(1, WALL, 1.0, facts, disks, gpu, top)


def disk(path: str = "/data", used: int = 50, size: int = 100, **more: Any) -> Disk:
    return Disk(
        path, total_bytes=size * GIB, used_bytes=used * GIB,
        available_bytes=(size - used) * GIB, **more,
    )  # fmt: skip


def gpu(index: int = 0, util: float | None = 50.0, temp: float | None = 60.0, **more: Any) -> Gpu:
    known = {"memory_used_bytes": 0, "memory_total_bytes": 80 * GIB, **more}
    return Gpu(index, f"GPU-{index}", "H100", utilization_percent=util, temperature_c=temp, **known)


class World:
    """A store, and a clock that only the test moves; a second brings a tick, and life signs of who lives."""

    def __init__(self, *names: str, rules: AlertRules | None = None) -> None:
        self.store = FleetStore(rules)
        self.at = 100.0
        self.alive: dict[str, Sample | None] = {}
        self.tick()
        for name in names:
            self.add(name)
            self.up(name)

    @property
    def clock(self) -> float:
        return WALL + self.at - 100.0

    def add(self, name: str, **spec: Any) -> None:
        self.apply(NodeAdded(name, self.at, NodeSpec(name, **spec)))

    def apply(self, event: Event) -> None:
        self.store.apply(event)

    def up(self, name: str, shown: Sample | None = None, **changes: Any) -> None:
        facts = {"key": name, "clock": self.clock, **changes}
        self.apply(LinkUp(name, self.at, hello(**facts), self.clock))
        self.alive[name] = shown

    def lose(
        self, name: str, kind: ProblemKind = ProblemKind.LOST, text: str = "reset by peer"
    ) -> None:
        self.alive.pop(name, None)
        self.apply(LinkLost(name, self.at, Problem(kind, text), 1, self.at + 1))

    def hush(self, name: str) -> None:
        """The network swallows everything; nothing says so."""
        self.alive.pop(name, None)

    def beat(self, name: str, skew_s: float = 0.0, trip_s: float | None = None) -> None:
        heard = Heartbeat(1, self.clock + skew_s, 1.0)
        self.apply(HeartbeatArrived(name, self.at, heard, self.clock, trip_s))

    def show(self, name: str, shown: Sample) -> None:
        self.apply(SampleArrived(name, self.at, shown))

    def count(self, name: str, *counts: DatasetCount) -> None:
        self.apply(DatasetsArrived(name, self.at, DatasetReport(self.clock, counts)))

    def tick(self) -> None:
        self.apply(ClockTicked(self.at, self.clock))

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.at += 1.0
            for name, shown in self.alive.items():
                self.beat(name)
                if shown is not None:
                    self.show(name, shown)
            self.tick()

    def node(self, name: str) -> Node:
        return self.store.nodes[name]

    def kinds(self) -> list[str]:
        return [alert.kind for alert in self.store.alerts]
