"""Which games are learned from, and in which order: pure, and the same after a restart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.training.games import KEY, played, write
from workers.harness import Misconfigured
from workers.training import listing, plan
from workers.training.listing import Entry, Listing, is_held_out, look, unique
from workers.training.window import Fixed, PowerLaw, parse


def entries(count: int) -> tuple[Entry, ...]:
    return tuple(
        Entry(f"/d/{number}", 100, f"{number:016x}", 1000 + number) for number in range(count)
    )


def test_the_power_law_takes_all_up_to_c_and_grows_slower_from_there() -> None:
    law = PowerLaw(1000, 0.75, 0.4)
    assert [law.games(there) for there in (0, 10, 1000)] == [0, 10, 1000]
    sizes = [law.games(there) for there in (2_000, 20_000, 200_000)]
    assert sizes == sorted(sizes)
    assert sizes[-1] < 0.2 * 200_000
    # c * (1 + beta * ((n / c) ** alpha - 1) / alpha) by hand for n = 16 c
    assert law.games(16_000) == int(1000 * (1 + 0.4 * (8 - 1) / 0.75))


def test_windows_read_as_they_are_written() -> None:
    assert parse("500") == Fixed(500)
    assert parse("power") == PowerLaw()
    assert parse("power:10,0.5,0.1") == PowerLaw(10, 0.5, 0.1)
    for wrong in ("", "0", "-5", "powers", "power:1,2,3,4", "power:0,1,1", "power:x"):
        with pytest.raises(Misconfigured):
            parse(wrong)


def test_the_window_is_the_newest_games() -> None:
    found = Listing(entries(10)).windowed(Fixed(250))
    assert found == entries(10)[-3:]
    assert Listing(entries(2)).windowed(Fixed(250)) == entries(2)
    assert Listing().windowed(Fixed(250)) == ()


def test_a_shard_that_lies_there_twice_is_one() -> None:
    twice = [*entries(3), *(entry._replace(path=f"/e{entry.path}") for entry in entries(3))]
    assert tuple(unique(twice)) == entries(3)


def test_what_was_pruned_still_counts_as_seen(tmp_path: Path) -> None:
    first = write(tmp_path / "a", played(3, 1), "one")
    before = look([tmp_path], KEY, 0.0, Listing())
    write(tmp_path / "b" / "deep", played(4, 2), "two")
    first.unlink()
    after = look([tmp_path, tmp_path / "b"], KEY, 0.0, before)
    assert (before.seen, after.seen, after.games) == (3, 7, 4)
    assert look([tmp_path], "hex8_3p", 0.0, Listing()) == Listing()


def test_shards_are_held_out_by_their_hash_alone() -> None:
    held = [entry for entry in entries(2000) if is_held_out(entry.digest, 0.05)]
    assert 50 < len(held) < 150
    assert not any(is_held_out(entry.digest, 0.0) for entry in entries(50))
    assert all(is_held_out(entry.digest, 0.1) for entry in held)


def test_an_epochs_order_is_that_of_seed_epoch_and_hash() -> None:
    one, same = plan.begin(1, 1, entries(20)), plan.begin(1, 1, reversed(entries(20)))
    assert one == same
    assert sorted(one.shards) == sorted(entries(20))
    assert plan.begin(1, 2, entries(20)).shards != one.shards
    assert plan.begin(2, 1, entries(20)).shards != one.shards


def test_groups_cover_the_epoch_once() -> None:
    now, met = plan.begin(1, 1, entries(10)), []
    while not now.over:
        group = plan.group_of(now, 250)
        assert len(group) == 3 or now.group == 9
        met += group
        now = plan.next_group(now._replace(batch=5), 250)
        assert now.batch == 0
    assert tuple(met) == now.shards
    assert len(plan.group_of(plan.begin(1, 1, entries(3)), 1)) == 1


def test_shards_that_moved_are_found_again() -> None:
    before = plan.begin(1, 1, entries(3))
    moved = [entry._replace(path=f"/new{entry.path}") for entry in entries(2)]
    after = plan.located(before, moved)
    assert [entry.digest for entry in after.shards] == [entry.digest for entry in before.shards]
    assert {entry.path for entry in after.shards} == {"/new/d/0", "/new/d/1", "/d/2"}


def test_cursor_and_listing_survive_json() -> None:
    here = plan.begin(3, 4, entries(5))._replace(group=2, batch=7)
    assert plan.from_json(json.loads(json.dumps(plan.as_json(here)))) == here
    there = Listing(entries(3), entries(2), 900)
    assert listing.from_json(json.loads(json.dumps(listing.as_json(there)))) == there
