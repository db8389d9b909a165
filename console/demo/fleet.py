"""The demo as a runtime: the same sessions, store and operations as ever, on machines that are scripted."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from console.demo.agent import DemoNode
from console.demo.dialer import DemoDialer
from console.demo.jobs import JOBS, DemoJobs, way
from console.demo.machines import MACHINES, machine
from console.demo.past import frozen_past, past_events
from console.demo.time import DemoTime
from console.fleet.model import NodeSpec, Transport
from console.runtime import Runtime
from console.settings.load import Loaded
from console.settings.model import Settings
from workers.protocol import DatasetWatch

BRIEF_ABOVE = 100  # machines; more of them get a shorter past
PRESETS = (
    {
        "name": "selfplay", "nodes": "tag:selfplay", "gpus": 1, "copies": 2, "drain": True,
        "command": ["python", "-m", "workers.selfplay", "--game", "reversi", "--forever", "--output", "data/selfplay"],
        "restart": "on-failure", "threads": 1, "environment": {"BOARD": "hex8"},
    },
    {
        "name": "train", "nodes": "tag:train", "gpus": 4, "grace": "60s",
        "command": ["torchrun", "--nproc-per-node=4", "-m", "workers.training", "--epochs", "100"],
        "lock": {"name": "train-hex8_2p", "scope": "fleet"},
        "environment": {"HF_TOKEN": {"from_env": "HF_TOKEN"}},
    },
    {
        "name": "gauntlet", "command": ["python", "-m", "workers.evaluation", "gauntlet", "--games", "400"],
        "directory": "evaluation", "grace": "30s",
    },
)  # fmt: skip
DATASETS = ("hex8_2p", "square8_2p", "square19_3p", "hexagonal_4p")


class DemoRuntime(Runtime):
    """A runtime whose files are in a folder of its own that is gone when it ends."""

    def __init__(
        self, specs: Sequence[NodeSpec], time: DemoTime, *, read_only: bool = False
    ) -> None:
        self._scratch = tempfile.TemporaryDirectory(
            prefix="quarterdeck-demo-", ignore_cleanup_errors=True
        )
        folder = Path(self._scratch.name)
        self._time = time
        known_hosts = folder / "known_hosts"
        self.machines = {spec.name: DemoNode(i, time, len(specs)) for i, spec in enumerate(specs)}
        super().__init__(
            Loaded(_settings(known_hosts, frozenset(self.machines))),
            specs,
            dialers=lambda spec: DemoDialer(self.machines[spec.name], known_hosts),
            read_only=read_only,
            clock=time.clock,
            keep=False,
        )
        self.audit.path = folder / "audit.jsonl"
        self.jobs = DemoJobs(
            self.workers, self.store, lambda: self.settings, self.orchestrator, way, time.clock.wall
        )
        self.jobs.hasty = time.frozen

    async def __aenter__(self) -> DemoRuntime:
        now, clock = self._time.clock.monotonic(), self._time.clock.wall()
        brief = len(self.machines) > BRIEF_ABOVE
        past = frozen_past if self._time.frozen else past_events
        for event in past(tuple(self._first), now, clock, brief):
            self.store.apply(event)
        await super().__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await super().__aexit__(kind, error, trace)
        finally:
            self._scratch.cleanup()


def specs(nodes: int) -> tuple[NodeSpec, ...]:
    """The demo's nodes; past the catalogue's 24 they are healthy machines named sim-0024 and on."""
    return tuple(_spec(number) for number in range(nodes))


def _spec(number: int) -> NodeSpec:
    this = machine(number)
    return NodeSpec(
        name=this.name,
        transport=Transport.MEMORY,
        address=this.address,
        tags=this.tags,
        root="~/run",
        datasets=tuple(_watch(name) for name, _, _ in this.data),
    )


def _watch(name: str) -> DatasetWatch:
    return DatasetWatch(name, (f"data/selfplay/{name}/**/*.jsonl",), "lines")


def _settings(known_hosts: Path, names: frozenset[str]) -> Settings:
    used = [name for name in DATASETS if any(d[0] == name for m in MACHINES for d in m.data)]
    return Settings.model_validate(
        {
            "ssh": {"known_hosts": [str(known_hosts)], "own_known_hosts": str(known_hosts)},
            "datasets": [
                {"name": name, "paths": [f"data/selfplay/{name}/**/*.jsonl"], "stale_after": "60m"}
                for name in used
                if name != "hexagonal_4p"
            ],
            "presets": PRESETS,
            "jobs": _jobs(names),
        }
    )


def _jobs(names: frozenset[str]) -> list[dict[str, Any]]:
    """In a small demo, what goes to the storage machine comes to this one."""
    here = "nas" if "nas" in names else "home"
    return [
        {**job, "destination": {**job["destination"], "node": here}}
        if "destination" in job
        else job
        for job in JOBS
    ]
