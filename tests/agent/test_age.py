"""A fault that lasts is told in a unit that can be read at a glance."""

from __future__ import annotations

from workers.agent.age import age


def test_the_unit_fits_the_length() -> None:
    told = [age(s) for s in (0.0, 12.9, 119.0, 120.0, 834.0, 7_200.0, 200_000.0)]
    assert told == ["0 s", "12 s", "119 s", "2 min", "13 min", "2 h", "2 d"]
