from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Program


@pytest.fixture
def quarterdeck(tmp_path: Path) -> Program:
    """The program in an empty home."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Program(home)
