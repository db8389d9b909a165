"""A running console on this machine's real agent, with a home of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console.runtime import Runtime
from tests.runtimes import runtime_of, settings_file, up


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the console and of its local agent; `local` is named, so that it stays beside others."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    settings_file(tmp_path, "nodes: [local]\n")
    return tmp_path


@pytest.fixture
async def runtime(home: Path) -> AsyncIterator[Runtime]:
    async with runtime_of(home) as running:
        await up(running)
        yield running


@pytest.fixture
async def watching(home: Path) -> AsyncIterator[Runtime]:
    """As `runtime`, but read-only."""
    async with runtime_of(home, read_only=True) as running:
        await up(running)
        yield running
