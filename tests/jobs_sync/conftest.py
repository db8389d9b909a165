"""A scene for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs_sync.scenes import Scene


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return Scene(tmp_path)


@pytest.fixture(autouse=True)
def _no_patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole files that were written a moment ago wait for the next sync, unless a test wants to wait."""
    if "patient" not in request.fixturenames:
        monkeypatch.setattr("workers.jobs.sync.job.SETTLE_S", 0.0)


@pytest.fixture
def patient() -> None:
    """Waits for files to settle, as a real sync does."""
