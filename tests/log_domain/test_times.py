"""When a line was written: its own word, put into the right zone and year, or else roughly."""

from __future__ import annotations

from calendar import timegm

import pytest

from console.fleet.logs.times import LineClock, stamp

AT = float(timegm((2026, 11, 22, 3, 4, 5)))
HOUR = 3600.0


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        (b"2026-11-22T03:04:05Z step", AT),
        (b"2026-11-22T03:04:05.250+00:00 step", AT + 0.25),
        (b"2026-11-22 05:04:05,123 +0200", AT + 0.123),
        (b"[2026-11-21T19:04:05-08:00] x", AT),
        (b"%d step 3" % AT, AT),
        (b"%d.5: step 3" % AT, AT + 0.5),
        (b'{"ts": %d123, "m": 1}' % AT, AT + 0.123),
    ],
)
def test_a_time_with_its_zone_is_taken_as_it_is(line: bytes, seconds: float) -> None:
    told = stamp(line)
    assert told is not None
    assert told.zoned
    assert told.seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    "line",
    [
        b"[2026-11-22 03:04:05,123] INFO epoch 1",
        b"2026/11/22 03:04:05.123 loss 1.0",
        b"\x1b[32m2026-11-22 03:04:05.123\x1b[0m | loguru",
        b"INFO 2026-11-22 03:04:05.123",
        b"11/22 03:04:05.123 step",
        b"I1122 03:04:05.123456 4711 pjrt.cc:12] up",
        b"Nov 22 03:04:05 host kernel: x",
    ],
)
@pytest.mark.parametrize("east_h", [0.0, 1.0, 5.5, -8.0])
def test_a_time_without_a_zone_is_put_into_the_one_the_worker_writes_in(
    line: bytes, east_h: float
) -> None:
    """The node saw the line written at a known time; the worker's zone is the difference."""
    written = AT - east_h * HOUR
    told = LineClock().tell(line, written + 0.4, True, written + 1.0)
    assert told.time == pytest.approx(written, abs=0.2)
    assert not told.rough


@pytest.mark.parametrize(
    "line", [b"step 3 of 12:30", b"99/99 99:99:99 x", b"", b"0123456789", b"see 2026-11 for more"]
)
def test_what_is_no_time_is_not_taken_for_one(line: bytes) -> None:
    assert stamp(line) is None


def test_a_line_without_a_time_has_that_of_its_chunk_roughly() -> None:
    told = LineClock().tell(b"hello", AT, True, AT + 9.0)
    assert (told.time, told.rough) == (AT, True)


def test_lines_of_a_traceback_stay_with_the_line_above_them() -> None:
    clock = LineClock()
    clock.tell(b"2026-11-22T03:04:09Z boom", AT, True, AT + 60)
    assert clock.tell(b"  File x", AT, False, AT + 60).order == AT + 4.0


def test_a_stream_never_goes_back_whatever_its_lines_claim() -> None:
    clock = LineClock()
    lines = [b"2026-11-22T03:04:05Z a", b"2026-11-22T02:00:00Z b", b"2099-01-01T00:00:00Z c", b"d"]
    told = [clock.tell(line, AT, False, AT + 60) for line in lines]
    assert [one.order for one in told] == sorted(one.order for one in told)
    assert told[1].time == AT - 3845, "shown as it says, kept in its place"
    assert told[2].rough, "no line was written in the future"
    assert told[3].order < AT + 60


def test_a_time_of_december_read_in_january_is_of_last_year() -> None:
    new_year = float(timegm((2027, 1, 1, 0, 10, 0)))
    told = LineClock().tell(b"12/31 23:59:00 late", new_year, False, new_year)
    assert told.time == timegm((2026, 12, 31, 23, 59, 0))


def test_fractions_of_one_second_are_told_apart() -> None:
    clock = LineClock()
    lines = [b"2026-11-22 03:04:05,%03d x" % milli for milli in (7, 120, 999)]
    times = [clock.tell(line, AT, number == 0, AT + 5).time for number, line in enumerate(lines)]
    assert times == pytest.approx([AT + 0.007, AT + 0.120, AT + 0.999])
