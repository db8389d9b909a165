"""Real errand programs on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.errands.fields import Field
from workers.errands.client import Errand

HERE = {"ssh": None}


@pytest.fixture(scope="module")
def errand() -> Iterator[Errand]:
    with Errand.open(HERE, "here") as opened:
        yield opened


@pytest.fixture
def field(tmp_path: Path, errand: Errand) -> Field:
    return Field(tmp_path, errand)
