"""A node speaks for itself alone, whatever it calls itself and whatever it claims to hold."""

from __future__ import annotations

import time
from pathlib import Path

from console.fleet.store import FleetStore
from console.fleet.totals import DatasetTotal, data_rows, totals
from console.operations.bulletin import BulletinBoard
from console.operations.history_cache import HistoryCache
from tests.fleet.world import World
from workers.protocol import DatasetCount, DatasetWatch

WATCH = (DatasetWatch("d", ("d/*",), "shards"),)


def total(store: FleetStore, now: float) -> DatasetTotal:
    (only,) = totals(data_rows(store.nodes.values(), store.history, now))
    return only


def pair() -> World:
    """`evil` is the first in the list, `good` follows."""
    world = World()
    for name in ("evil", "good"):
        world.add(name, datasets=WATCH)
    world.up("good", key="good's key")
    return world


def test_a_node_that_claims_another_s_key_does_not_hide_it() -> None:
    world = pair()
    world.up("evil", key="good's key", boot_id="made up")
    world.count("good", DatasetCount("d", 1, 100, 1000))
    world.count("evil", DatasetCount("d", 1, 1, 1))
    assert world.store.nodes["good"].same_as is None
    assert total(world.store, world.at).records == 101


def test_a_node_that_lists_shards_it_does_not_hold_takes_nothing_from_others() -> None:
    world = pair()
    world.up("evil")
    world.count("good", DatasetCount("d", 1, 100, 1, shards=("aa:100",), shards_listed=True))
    for shards in (("aa:100",), ("aa:999999999999",)):
        world.count("evil", DatasetCount("d", 1, 5, 1, shards=shards, shards_listed=True))
        assert (total(world.store, world.at).records or 0) >= 100


def test_a_negative_count_is_not_known_and_takes_nothing_from_others() -> None:
    world = pair()
    world.up("evil")
    world.count("good", DatasetCount("d", 1, 100, 1000))
    world.count("evil", DatasetCount("d", -1, -(10**15), -(10**15)))
    world.run(1)
    found = total(world.store, world.at)
    assert (found.files, found.records, found.bytes) == (1, 100, 1000)
    assert [name for name, _ in found.unknown] == ["evil"]


async def test_a_node_that_claims_another_s_key_writes_into_no_history_but_its_own(
    tmp_path: Path,
) -> None:
    world = pair()
    world.up("evil", key="good's key", boot_id="made up")
    for records in (10, 20, 30):
        world.count("evil", DatasetCount("d", 1, records, 1))
        world.run(120)
    assert world.store.history("evil").export_points()
    path = tmp_path / "history.sqlite"
    cache = HistoryCache(path, BulletinBoard(time.time))
    cache.save(world.store, 10.0**9, world.clock)
    await cache.close()
    later = HistoryCache(path, BulletinBoard(time.time))
    later.restore("good", "good's key", world.store)
    await later.close()
    assert not world.store.history("good").export_points()
