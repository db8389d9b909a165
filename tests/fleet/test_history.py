"""Rates and forecasts: unknown until there is history, never negative, never a guess from too little."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from console.fleet.history import DAY_S, HOUR_S, NodeHistory
from console.fleet.series import CountSeries, DiskSeries, Point
from tests.fleet.world import GIB, World, disk, sample
from workers.protocol import DatasetCount


def test_a_rate_is_unknown_until_there_is_history_then_records_per_hour() -> None:
    world = World("a")
    history = world.store.history("a")
    world.count("a", DatasetCount("d", 1, 1000, 1))
    world.run(30)
    assert history.dataset_rate("d", HOUR_S) is None
    for minute in range(1, 31):
        world.run(60)
        world.count("a", DatasetCount("d", 1, 1000 + 20 * minute, 1))
    rate = history.dataset_rate("d", HOUR_S)
    assert rate is not None
    assert abs(rate - 1200.0) < 60.0
    assert history.dataset_rate("never seen", HOUR_S) is None


def test_a_dataset_that_stands_still_has_rate_zero_and_not_unknown() -> None:
    world = World("a")
    world.count("a", DatasetCount("d", 1, 1000, 1))
    world.run(120)
    assert world.store.history("a").dataset_rate("d", HOUR_S) == 0.0


def test_deleting_records_takes_nothing_from_what_was_produced() -> None:
    series = CountSeries()
    for minute, records in enumerate([1000, 1100, 1200, 0, 100, 200]):
        series.add(minute * 60.0, records)
    assert series.rate(HOUR_S, 300.0) == 400 * 3600 / 300


def test_a_file_that_becomes_unreadable_and_back_is_no_production() -> None:
    series = CountSeries()
    series.add(0.0, 1000)
    series.add(60.0, 400, unreadable_files=1)
    series.add(120.0, 1000)
    assert series.rate(HOUR_S, 120.0) == 0.0


def test_a_dataset_that_means_other_files_now_starts_anew() -> None:
    from workers.protocol import DatasetWatch

    world = World()
    world.add("a", datasets=(DatasetWatch("d", ("x/*",), "lines"),))
    world.up("a")
    world.count("a", DatasetCount("d", 1, 10, 1))
    world.add("a", datasets=(DatasetWatch("d", ("y/*",), "lines"),))
    world.count("a", DatasetCount("d", 1, 1_000_000, 1))
    world.run(120)
    assert world.store.history("a").dataset_rate("d", HOUR_S) == 0.0


def test_the_time_until_a_disk_is_full() -> None:
    world = World("a")
    history = world.store.history("a")
    for minute in range(10):
        world.show("a", sample(disks=(disk(used=50 + minute), disk("/", used=20))))
        world.run(60)
        if minute < 4:
            assert history.disk_full_in_s("/data") is None
    left = history.disk_full_in_s("/data")
    assert left is not None
    assert abs(left - 41 * 60) < 5
    assert history.disk_full_in_s("/") is None
    world.show("a", sample(disks=(disk(used=100),)))
    assert history.disk_full_in_s("/data") == 0.0


def test_points_survive_the_console() -> None:
    world = World("a")
    for minute in range(40):
        world.count("a", DatasetCount("d", 1, minute * 10, 1))
        world.show("a", sample(disks=(disk(used=50 + minute),)))
        world.run(60)
    points = world.store.history("a").export_points()
    later = World()
    later.at = world.at + 600
    later.add("a")
    later.up("a")
    later.count("a", DatasetCount("d", 1, 490, 1))
    later.store.import_history("a", points)
    rate = later.store.history("a").dataset_rate("d", HOUR_S)
    assert rate is not None
    assert abs(rate - 600.0) < 30.0
    again = NodeHistory()
    again.import_points(points)
    assert again.export_points() == points


def test_a_poisoned_cache_is_left_out() -> None:
    history = NodeHistory()
    history.import_points(
        [
            Point("dataset", "d", math.nan, 1.0),
            Point("dataset", "d", 10.0, math.inf),
            Point("dataset", "d", 1e12, 5.0),
            Point("dataset", "d", 10.0, -5.0),
            Point("unheard of", "d", 10.0, 5.0),
        ],
        clock=100.0,
    )
    assert history.export_points() == []


@given(
    st.lists(
        st.tuples(st.floats(-7200, 7200), st.integers(0, 10**12), st.integers(0, 3)), max_size=60
    )
)
@settings(max_examples=150, deadline=None)
def test_no_rate_is_ever_negative_whatever_counts_and_clocks_do(
    steps: list[tuple[float, int, int]],
) -> None:
    series, clock = CountSeries(), 1e6
    for step, records, unreadable in steps:
        clock += step
        series.add(clock, records, unreadable)
        for window in (HOUR_S, DAY_S):
            rate = series.rate(window, clock)
            assert rate is None or (rate >= 0 and math.isfinite(rate))
    assert len(list(series.export())) <= 240


@given(st.lists(st.tuples(st.floats(-600, 600), st.integers(0, 10**15)), max_size=60))
@settings(max_examples=100, deadline=None)
def test_no_forecast_is_ever_negative(steps: list[tuple[float, int]]) -> None:
    series, clock = DiskSeries(), 1e6
    for step, used in steps:
        clock += step
        series.add(clock, used)
        left = series.full_in_s(GIB)
        assert left is None or 0 <= left <= DiskSeries.HORIZON_S
