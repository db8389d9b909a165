"""The waits between tries, without waiting."""

from __future__ import annotations

import asyncio
import random

from hypothesis import given
from hypothesis import strategies as st

from console.sessions.backoff import Backoff
from console.sessions.clock import Instant
from console.sessions.limits import Newest, Tokens


def low(low_s: float, high_s: float) -> float:
    return low_s


def high(low_s: float, high_s: float) -> float:
    return high_s


def test_the_first_tries_come_soon_and_stay_within_three_seconds() -> None:
    backoff = Backoff(high)
    assert [backoff.delay_s(at) for at in range(5)] == [0.4, 0.8, 1.6, 3.0, 3.0]


def test_after_ten_minutes_of_loss_the_waits_may_grow() -> None:
    backoff = Backoff(high)
    backoff.delay_s(0.0)
    assert backoff.delay_s(599.0) <= 3.0
    assert backoff.delay_s(601.0) == 30.0


def test_a_link_that_was_healthy_begins_again() -> None:
    backoff = Backoff(high)
    for at in range(10):
        backoff.delay_s(at)
    assert backoff.delay_s(100.0, up_for_s=59.0) == 3.0
    assert backoff.delay_s(200.0, up_for_s=61.0) == 0.4


def test_never_at_once() -> None:
    assert Backoff(low).delay_s(0.0) == 0.2


@given(st.integers(), st.lists(st.floats(0, 5), min_size=1, max_size=50))
def test_jitter_stays_in_its_bounds(seed: int, gaps: list[float]) -> None:
    backoff, at = Backoff(random.Random(seed).uniform), 0.0
    for gap in gaps:
        at += gap
        assert 0.2 <= backoff.delay_s(at) <= 3.0


def test_a_suspended_machine_is_told_from_a_busy_one() -> None:
    before = Instant(100.0, 200.0)
    assert not before.slept_until(Instant(101.1, 201.1), 1.0)
    assert not before.slept_until(Instant(104.0, 204.0), 1.0)
    assert before.slept_until(Instant(101.0, 801.0), 1.0)
    assert before.slept_until(Instant(700.0, 800.0), 1.0)


def test_tokens_run_out_and_come_back() -> None:
    tokens = Tokens(burst=2, per_s=1)
    assert [tokens.try_take(0.0) for _ in range(3)] == [True, True, False]
    assert not tokens.try_take(0.5)
    assert tokens.try_take(1.1)
    assert tokens.take(1.2, amount=10) > 5


async def test_of_what_comes_too_fast_the_newest_wins() -> None:
    got: list[int] = []
    newest: Newest[int] = Newest(0.05, got.append)
    for number in range(10):
        newest.offer(number)
    assert got == [0]
    while len(got) < 2:
        await asyncio.sleep(0.01)
    assert got == [0, 9]
    newest.offer(10)
    newest.close()
    await asyncio.sleep(0.1)
    assert got[:2] == [0, 9]
