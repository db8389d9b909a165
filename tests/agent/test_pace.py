"""Readings on lines of any speed: never far behind on a slow one, never held back on a fast one."""

from __future__ import annotations

from collections import deque

import pytest

from workers.agent.pace import Pace

BEAT_BYTES = 100
READING_BYTES = 3_700


def drive(line_bytes_per_s: float, readings_per_s: int, seconds: int) -> tuple[list[float], int]:
    """Ages of the last thing that arrived, each second, and the readings that left.

    The console answers once a second with the newest heartbeat that has arrived.
    """
    pace, steps = Pace(), 20
    queue: deque[list[float]] = deque()  # [bytes left to carry, sequence or 0, sent at]
    left = readings = arrived = 0
    ages = []
    newest_at = 0.0
    for step in range(seconds * steps):
        now = 1.0 + step / steps
        if step % steps == 0:
            pace.beat(step // steps + 1, left)
            queue.append([BEAT_BYTES, step // steps + 1, now])
            ages.append(now - newest_at)
        if step % steps == steps // 2 and arrived:
            pace.echoed(arrived, now)
        if step % max(1, steps // readings_per_s) == 0 and pace.has_room(left):
            left += READING_BYTES
            readings += 1
            queue.append([READING_BYTES, 0, now])
        carried = line_bytes_per_s / steps
        while queue and carried > 0:
            moved = min(carried, queue[0][0])
            carried -= moved
            queue[0][0] -= moved
            if queue[0][0] <= 0:
                _, sequence, newest_at = queue.popleft()
                arrived = int(sequence) or arrived
    return ages, readings


@pytest.mark.parametrize("line", [4_000, 8_000, 16_000])
def test_on_a_slow_line_what_arrives_is_young_and_the_line_is_used(line: int) -> None:
    ages, readings = drive(line, 10, 120)
    assert max(ages[10:]) < 8
    assert readings * READING_BYTES > 0.7 * line * 120


def test_a_fast_line_carries_every_reading() -> None:
    _, readings = drive(10_000_000, 10, 120)
    assert readings > 0.9 * 10 * 120


def test_once_a_second_is_never_held_back() -> None:
    _, readings = drive(1_000_000, 1, 60)
    assert readings == 60


def test_a_console_that_never_answers_gets_all() -> None:
    pace = Pace()
    pace.beat(1, 10_000_000)
    assert pace.has_room(20_000_000)
