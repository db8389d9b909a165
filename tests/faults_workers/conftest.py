"""Desks and nodes for tests; nothing that was started there outlives them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults_workers.desk import Desk
from tests.running import sweep
from tests.sshd import Sshd, SshdFactory


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk whose home is also that of this machine's agent, with this machine as its only node."""
    found = Desk(tmp_path)
    monkeypatch.setenv("HOME", str(found.home))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    found.settings("local")
    yield found
    sweep(tmp_path)


@pytest.fixture
def server(sshd_factory: SshdFactory) -> Iterator[Sshd]:
    """A node behind a real sshd, its account's home empty."""
    found = sshd_factory()
    yield found
    sweep(found.folder)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="qd-fw-"))
    yield folder
    sweep(folder)
    shutil.rmtree(folder, ignore_errors=True)
