"""What a test starts ends with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import sweep


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """An agent takes care of the runs it finds, those made by hand too: its pairs end here."""
    yield
    sweep(tmp_path)
