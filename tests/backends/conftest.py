"""Each backend at work, with the commands that it takes."""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from console.backends.agent import AgentBackend
from console.backends.backend import Backend
from console.backends.memory import MemoryBackend, Program
from tests.running import sweep
from tests.runtimes import runtime_of, settings_file, up
from workers.protocol import Orphan, WorkerSpec

SLEEPS = ("sleep", "600")
SAYS = ("sh", "-c", "echo out; echo err >&2; exit 7")
STUBBORN = (sys.executable, "-c", "import signal,time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)")  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A backend, and how one makes it have an orphan with the act "clear"."""

    backend: Backend
    folder: Path

    def spec(self, command: Sequence[str] = SLEEPS, name: str = "w", **fields: Any) -> WorkerSpec:
        return WorkerSpec(secrets.token_hex(16), name, tuple(command), by="ada@desk", **fields)

    async def stale_lock(self) -> str:
        """A lock file of a program that is gone; its path."""
        path = self.folder / "program.lock"
        path.write_text("4194303\n")
        if isinstance(self.backend, MemoryBackend):
            self.backend.orphaned.append(
                Orphan("lock", "stale_lock", "its process is gone", ("clear",), path=str(path))
            )
        else:
            done = self.spec(("true",), name="locker", lock_files=(str(path),))
            await self.backend.start(done)
        return str(path)


def _program(command: Sequence[str]) -> Program:
    if tuple(command) == SAYS:
        return Program(b"out\n", b"err\n", 7)
    if tuple(command) == STUBBORN:
        return Program(b"up\n", obeys=False)
    return Program(exit_code=0 if tuple(command) == ("true",) else None)


@pytest.fixture(params=["memory", "agent"])
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    if request.param == "memory":
        yield Place(MemoryBackend(_program), tmp_path)
        return
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    settings_file(tmp_path, "nodes: [local]\n")
    try:
        async with runtime_of(tmp_path) as runtime:
            await up(runtime)
            yield Place(AgentBackend(runtime.sessions["local"]), tmp_path)
    finally:
        sweep(tmp_path)
