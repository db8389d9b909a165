"""Totals that count no record twice, and say what they do not know."""

from __future__ import annotations

from console.fleet.totals import DatasetTotal, data_rows, totals
from tests.fleet.world import World
from workers.protocol import DatasetCount, DatasetWatch

WATCH = (DatasetWatch("d", ("d/*",), "shards"),)


def total(world: World) -> DatasetTotal:
    rows = data_rows(world.store.nodes.values(), world.store.history, world.at)
    (only,) = totals(rows)
    return only


def fleet(*names: str) -> World:
    world = World()
    for name in names:
        world.add(name, datasets=WATCH)
        world.up(name)
    return world


def test_records_of_all_nodes_are_added() -> None:
    world = fleet("a", "b")
    world.count("a", DatasetCount("d", 2, 100, 1000, world.clock))
    world.count("b", DatasetCount("d", 1, 50, 500, world.clock - 60))
    world.run(1)
    result = total(world)
    assert (result.files, result.records, result.bytes) == (3, 150, 1500)
    assert result.newest_age_s == 1.0
    assert not result.partial


def test_a_machine_with_two_entries_counts_once() -> None:
    world = World()
    for name in ("a", "b"):
        world.add(name, datasets=WATCH)
        world.up(name, key="same")
        world.count(name, DatasetCount("d", 2, 100, 1000))
    assert total(world).records == 100
    assert total(world).nodes == 1


def test_a_shard_that_two_nodes_hold_counts_once() -> None:
    world = fleet("a", "b")
    world.count("a", DatasetCount("d", 2, 130, 1, shards=("aa:50", "bb:50"), shards_listed=True))
    world.count("b", DatasetCount("d", 2, 150, 1, shards=("bb:50", "cc:100"), shards_listed=True))
    result = total(world)
    assert result.records == 230
    assert result.repeated_records == 50


def test_a_hostile_list_of_shards_does_no_harm() -> None:
    world = fleet("a", "b")
    odd = ("", ":", "x:-5", "x:nan", "x:٣", "x:" + "9" * 400, "y")
    world.count("a", DatasetCount("d", 2, 10, 1, shards=odd, shards_listed=True))
    world.count("b", DatasetCount("d", 2, 10, 1, shards=odd, shards_listed=True))
    records = total(world).records
    assert records is not None
    assert 0 <= records <= 20


def test_a_node_that_is_missing_makes_the_total_partial_and_is_named() -> None:
    world = fleet("a", "b", "c", "e")
    world.count("a", DatasetCount("d", 2, 100, 1000))
    world.count("b", DatasetCount("d", reason="still counting"))
    world.count("e", DatasetCount("d", 2, 7, 70))
    world.lose("e")
    world.run(20)
    result = total(world)
    assert result.records == 107
    unknown = dict(result.unknown)
    assert unknown["b"] == "still counting"
    assert unknown["c"] == "not counted yet"
    assert unknown["e"].startswith("last known count; the node is down: reset by peer")


def test_nothing_known_is_none_and_not_zero() -> None:
    result = total(fleet("a"))
    assert (result.files, result.records, result.bytes, result.per_hour) == (None,) * 4
    assert result.partial


def test_rates_of_nodes_that_are_not_up_are_not_counted() -> None:
    world = fleet("a", "b")
    for minute in range(10):
        for name in ("a", "b"):
            world.count(name, DatasetCount("d", 1, minute * 10, 1))
        world.run(60)
    rate = total(world).per_hour
    assert rate is not None
    world.lose("b")
    world.run(20)
    halved = total(world).per_hour
    assert halved is not None
    assert halved < 0.7 * rate


def test_a_dataset_that_is_hidden_while_empty_is_seen_with_its_first_file() -> None:
    world = World()
    watches = (DatasetWatch("quiet", ("q/*",), "files"), DatasetWatch("loud", ("l/*",), "files"))
    world.add("a", datasets=watches, hidden_while_empty=frozenset({"quiet"}))
    world.up("a")
    for files, unreadable, seen in ((None, 0, False), (0, 0, False), (0, 1, True), (3, 0, True)):
        quiet = DatasetCount("quiet", files=files, records=0, unreadable_files=unreadable)
        world.count("a", quiet, DatasetCount("loud", files=0, records=0))
        rows = data_rows(world.store.nodes.values(), world.store.history, world.at)
        assert {row.dataset for row in rows} == ({"quiet", "loud"} if seen else {"loud"})
