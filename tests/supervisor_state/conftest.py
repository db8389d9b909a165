from __future__ import annotations

from pathlib import Path

import pytest

from tests.supervisor_state.runs import SPEC, runs_in
from workers.supervisor.run import Run
from workers.supervisor.runs import Runs


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return runs_in(tmp_path)


@pytest.fixture
def run(runs: Runs) -> Run:
    return runs.create(SPEC, "ada@desk")
