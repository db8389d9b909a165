"""When jobs are due: on time, once after many were missed, and over every jump of the clock."""

from __future__ import annotations

from datetime import datetime, timezone, tzinfo
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from console.conduct.due import Look, due

UTC = timezone.utc
BERLIN = ZoneInfo("Europe/Berlin")
HOURLY, NIGHTLY = "0 * * * *", "30 2 * * *"


def at(text: str, zone: tzinfo = UTC, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def look(schedule: str, seen: float | None, now: float, zone: tzinfo = UTC) -> Look:
    return due({"j": schedule}, {} if seen is None else {"j": seen}, now, zone)


def test_a_new_job_waits_for_its_next_time() -> None:
    found = look(HOURLY, None, at("2026-11-22 10:20"))
    assert found.due == ()
    assert found.next["j"] == at("2026-11-22 11:00")


def test_each_time_is_dealt_with_once() -> None:
    seen: float | None = None
    ran = 0
    for second in range(0, 3 * 3600, 7):
        found = look(HOURLY, seen, at("2026-11-22 10:20") + second)
        seen, ran = found.seen["j"], ran + len(found.due)
    assert ran == 3


def test_to_the_second() -> None:
    before, on = at("2026-11-22 10:59:59"), at("2026-11-22 11:00:00")
    assert not look(HOURLY, before, on - 0.001).due
    (one,) = look(HOURLY, before, on).due
    assert (one.at, one.missed, one.late) == (on, 0, False)
    assert not look(HOURLY, on, on + 0.5).due


def test_missed_times_are_one_run() -> None:
    (one,) = look(HOURLY, at("2026-11-21 20:10"), at("2026-11-22 10:20")).due
    assert (one.at, one.missed, one.late) == (at("2026-11-22 10:00"), 13, True)


def test_a_month_away_and_a_job_of_every_minute() -> None:
    (one,) = look("* * * * *", at("2026-10-01 00:00"), at("2026-11-22 10:20:30")).due
    assert one.at == at("2026-11-22 10:20")
    assert not one.late


def test_a_job_of_every_year() -> None:
    (one,) = look("0 0 1 1 *", at("2020-06-01 00:00"), at("2026-11-22 10:20")).due
    assert (one.at, one.missed) == (at("2026-01-01 00:00"), 5)


def test_a_clock_that_goes_back_a_little_repeats_nothing() -> None:
    seen = at("2026-11-22 11:00:05")
    found = look(HOURLY, seen, at("2026-11-22 10:30"))
    assert found.due == ()
    assert found.seen["j"] == seen
    assert not look(HOURLY, seen, at("2026-11-22 11:00:01")).due


def test_a_clock_that_was_wrong_for_years_does_not_stop_the_schedule() -> None:
    wrong = at("2099-01-01 00:00")
    found = look(HOURLY, wrong, at("2026-11-22 10:30"))
    assert found.next["j"] == at("2026-11-22 11:00")
    assert look(HOURLY, found.seen["j"], at("2026-11-22 11:00")).due


def test_a_machine_that_slept_runs_it_once() -> None:
    (one,) = look(NIGHTLY, at("2026-11-21 22:00"), at("2026-11-22 09:00")).due
    assert (one.missed, one.late) == (0, True)


def test_summer_time_begins_and_the_hour_that_is_not_there_runs_once() -> None:
    # 29 March 2026: 02:00 becomes 03:00.
    found = _over(NIGHTLY, at("2026-03-28 12:00", BERLIN), 48, BERLIN)
    assert found == [at("2026-03-29 03:00", BERLIN), at("2026-03-30 02:30", BERLIN)]


def test_summer_time_ends_and_the_hour_that_comes_twice_runs_once() -> None:
    # 25 October 2026: 03:00 becomes 02:00.
    found = _over(NIGHTLY, at("2026-10-24 12:00", BERLIN), 48, BERLIN)
    assert found == [at("2026-10-25 02:30", BERLIN), at("2026-10-26 02:30", BERLIN)]


def test_a_job_of_every_hour_runs_in_each_of_the_hours() -> None:
    assert len(_over(HOURLY, at("2026-10-24 12:00", BERLIN), 48, BERLIN)) == 48
    assert len(_over(HOURLY, at("2026-03-28 12:00", BERLIN), 48, BERLIN)) == 48


def test_several_in_the_order_of_their_times() -> None:
    jobs = {"late": "50 9 * * *", "early": "40 9 * * *", "not": "0 12 * * *"}
    seen = dict.fromkeys(jobs, at("2026-11-22 09:00"))
    found = due(jobs, seen, at("2026-11-22 10:00"), UTC)
    assert [one.name for one in found.due] == ["early", "late"]


@given(
    st.lists(st.integers(-4 * 3600, 30 * 3600), min_size=2, max_size=12),
    st.sampled_from([HOURLY, NIGHTLY, "*/15 * * * *", "0 3 * * sun"]),
)
def test_no_time_is_ever_dealt_with_twice(steps: list[int], schedule: str) -> None:
    """Whatever the clock does within a correction's reach."""
    now = at("2026-10-24 12:00", BERLIN)
    top = now
    seen = now
    ran: list[float] = []
    for step in steps:
        now = max(now + step, top - 3 * 3600)
        top = max(top, now)
        found = due({"j": schedule}, {"j": seen}, now, BERLIN)
        seen = found.seen["j"]
        ran += [one.at for one in found.due]
    assert ran == sorted(set(ran))


def _over(schedule: str, begin: float, hours: int, zone: tzinfo) -> list[float]:
    found: list[float] = []
    seen = begin
    for turn in range(hours * 12 + 1):
        now = begin + 300 * turn
        lookup = look(schedule, seen, now, zone)
        seen = lookup.seen["j"]
        found += [one.at for one in lookup.due]
    return found
