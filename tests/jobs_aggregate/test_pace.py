"""How long a node's records still take."""

from __future__ import annotations

import pytest

from workers.jobs.aggregate.pace import READING, WRITING, Pace


def test_time_left() -> None:
    pace = Pace(100)
    assert pace.eta_s(5.0) is None
    assert pace.due(10.0)
    assert not pace.due(10.1)
    pace.count(READING, 50)
    assert pace.eta_s(12.0) == pytest.approx(8.0)
    pace.count(READING, 50)
    pace.count(WRITING, 100)
    assert pace.eta_s(20.0) == 0.0


def test_nobody_knows_how_many() -> None:
    pace = Pace(None)
    pace.due(1.0)
    pace.count(READING, 50)
    assert pace.eta_s(2.0) is None
