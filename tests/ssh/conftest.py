"""The world of the SSH tests; agents of the real user are out of sight."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ssh.world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    return World(tmp_path)
