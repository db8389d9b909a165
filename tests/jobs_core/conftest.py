"""A console on this machine's real agent, and a job that does what a test says instead of moving data."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from console.operations.jobs import operations
from console.operations.jobs.spec import spec_of
from console.runtime import Runtime
from tests.running import sweep
from tests.runtimes import runtime_of, settings_file, up
from workers.protocol import WorkerSpec

SETTINGS = """
nodes: [local, {name: gpu-1, address: 127.0.0.1, port: 9}, {name: gpu-2, address: 127.0.0.1, port: 9}]
jobs:
  - {name: quick, kind: sync, retry: {again: 2, backoff: 10ms}}
"""
WORK = """
import json, os, sys, time
orders = json.load(open(os.environ["QD_INPUT"]))
assert orders["run"] == os.environ["QD_RUN_ID"] and orders["kind"] == "sync"
attempt = os.path.basename(os.path.dirname(os.environ["QD_INPUT"]))
def say(phase, **states):
    parts = [{"name": name, "state": state, "bytes": 5, "bytes_total": 10} for name, state in states.items()]
    body = {"schema": 1, "phase": phase, "message": phase, "extra": {"parts": parts}}
    file = os.environ["QD_STATUS"]
    open(file + ".tmp", "w").write(json.dumps(body)); os.replace(file + ".tmp", file)
nodes = {name.replace("-", "_"): name for name in orders["sources"]}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    settings_file(tmp_path, SETTINGS)
    yield tmp_path
    sweep(tmp_path)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What a job does from now on: Python, in which `orders` and `say` are there."""

    def use(program: str) -> None:
        def fake(*given: Any) -> WorkerSpec:
            argv = (sys.executable, "-c", WORK + program)
            return spec_of(*given)._replace(command=argv, code="", interpreters=())

        monkeypatch.setattr(operations, "spec_of", fake)

    async def planned(run: WorkerSpec, orders: Mapping[str, Any]) -> dict[str, Any]:
        hosts = [
            {"name": name, "does": "pulls", "files": 1, "bytes": 10} for name in orders["sources"]
        ]
        return {"schema": 1, "does": "brings it", "hosts": hosts, "never": ["deletes"], "left": 7}

    monkeypatch.setattr(operations.asking, "ask_here", planned)
    use("")
    return use


@pytest.fixture
async def runtime(home: Path) -> AsyncIterator[Runtime]:
    async with runtime_of(home) as running:
        await up(running)
        yield running
