"""What a test starts ends with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.logs.world import let_go
from tests.running import sweep


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """Runs made by hand are let go, and what an agent started ends."""
    yield
    let_go()
    sweep(tmp_path)
