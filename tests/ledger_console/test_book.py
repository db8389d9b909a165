"""The ledger in the domain: pure, with time in the hands of the test."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.fleet.events import DestinationsRead, LedgerLooked, LedgerRecalled, NodeRemoved
from console.fleet.ledger import Consolidated, Entry
from console.fleet.totals import DatasetTotal, data_rows, totals
from console.operations.ledger.look import best
from tests.fleet.world import World
from workers.ledger.safety import is_safe
from workers.ledger.shapes import Standing
from workers.protocol import DatasetCount, DatasetWatch

WATCH = (DatasetWatch("d", ("d/*",), "lines"),)


def left(records: int | None, size: int) -> Standing:
    """A node with files of which so much is not synced, and so not aggregated."""
    rest = (records, size, int(size > 0))
    return Standing("d", 100, 1000, 10, *rest, *rest)


def fleet(*names: str) -> World:
    world = World()
    for name in names:
        world.add(name, datasets=WATCH)
        world.up(name)
        world.count(name, DatasetCount("d", 10, 100, 1000))
    return world


def look(world: World, name: str, *standings: Standing, key: str | None = None) -> None:
    said = name if key is None else key
    world.apply(LedgerLooked(name, world.at, world.clock, said, standings))


def total(world: World) -> DatasetTotal:
    store = world.store
    rows = data_rows(store.nodes.values(), store.history, store.now, store.ledger)
    (only,) = totals(rows, store.ledger)
    return only


def test_what_nobody_looked_at_is_unknown_and_not_nothing() -> None:
    world = fleet("a", "b")
    assert total(world).unsynced_bytes is None
    look(world, "a", left(5, 50))
    result = total(world)
    assert (result.unsynced_records, result.unsynced_bytes) == (None, None)
    assert result.unsynced_bytes_known == 50
    look(world, "b", left(0, 0))
    assert (total(world).unsynced_records, total(world).unsynced_bytes) == (5, 50)
    assert world.store.summary().unsynced_bytes == 50


def test_a_look_that_failed_keeps_the_figures_and_says_so() -> None:
    world = fleet("a")
    look(world, "a", left(5, 50))
    look(world, "a", Standing("d", unknown="nas does not answer"), key="")
    entry = world.store.ledger.entry("a", "d")
    assert entry.standing == left(5, 50)
    assert (entry.fault, entry.unsynced_bytes) == ("nas does not answer", None)
    assert total(world).unsynced_bytes is None
    assert total(world).unsynced_bytes_known == 50


def test_another_machine_under_the_name_knows_nothing_of_the_first() -> None:
    world = fleet("a")
    look(world, "a", left(0, 0))
    world.up("a", key="another")
    assert world.store.ledger.entry("a", "d").standing is None


def test_a_node_that_is_down_has_no_figures_of_now() -> None:
    world = fleet("a")
    look(world, "a", left(0, 0))
    assert total(world).unsynced_bytes == 0
    world.lose("a")
    world.run(20)
    assert total(world).unsynced_bytes is None


def test_a_machine_of_two_entries_is_counted_once() -> None:
    world = World()
    for name in ("a", "b"):
        world.add(name, datasets=WATCH)
        world.up(name, key="same")
        world.count(name, DatasetCount("d", 10, 100, 1000))
    look(world, "a", left(5, 50), key="same")
    assert total(world).unsynced_bytes == 50
    assert world.store.summary().unsynced_bytes == 50


def test_equal_files_of_two_nodes_count_once_by_the_sync_manifest() -> None:
    world = fleet("a", "b")
    held = Consolidated("d", 100, 0, repeated_records=40, unknown=None)
    world.apply(DestinationsRead(world.at, (held,)))
    assert total(world).records == 160
    assert total(world).repeated_records == 40


def test_what_a_destination_last_held_stays_while_it_cannot_be_read() -> None:
    world = fleet("a")
    world.apply(DestinationsRead(world.at, (Consolidated("d", 100, 60, unknown=None),)))
    world.apply(DestinationsRead(world.at, (Consolidated("d", unknown="gone"),)))
    held = world.store.ledger.dataset("d")
    assert (held.aggregated_records, held.unknown) == (100, "gone")


def test_what_another_console_knew_never_holds_now() -> None:
    world = fleet("a")
    remembered = Entry("d", left(0, 0), world.clock - 600, "")
    world.apply(LedgerRecalled("a", world.at, "a", (remembered,)))
    entry = world.store.ledger.entry("a", "d")
    assert (entry.standing, entry.holds) == (left(0, 0), False)
    look(world, "a", left(1, 9))
    world.apply(LedgerRecalled("a", world.at, "a", (remembered,)))
    assert world.store.ledger.entry("a", "d").unsynced_bytes == 9


def test_a_node_that_left_is_forgotten() -> None:
    world = fleet("a")
    look(world, "a", left(5, 50))
    world.apply(NodeRemoved("a", world.at))
    world.add("a", datasets=WATCH)
    assert world.store.ledger.of("a") == {}


# ---------------------------------------------------------------- never safe in doubt

amounts = st.integers(0, 3)
standings = st.builds(
    lambda produced, unsynced, unaggregated, unsaved, unknown: Standing(
        "d", produced, produced * 10, produced,
        unsynced, unsynced * 10, unsynced,
        unaggregated, unaggregated * 10, unaggregated,
        unsaved, None if unsaved is None else unsaved * 10, unsaved,
        unknown=unknown,
    ),
    amounts, amounts, amounts, st.one_of(st.none(), amounts), st.sampled_from([None, None, "why"]),
)  # fmt: skip


@given(st.lists(standings, min_size=1, max_size=4), st.booleans())
def test_of_several_destinations_only_a_whole_one_makes_it_safe(
    found: list[Standing], backed_up: bool
) -> None:
    wanted = {"d"} if backed_up else set()
    chosen = is_safe([best(found, backed_up)], wanted).safe
    whole = [is_safe([one], wanted).safe for one in found]
    assert (chosen is True) == (True in whole)
    if chosen is False:
        assert None not in whole, "one that cannot be read may hold it all"


@given(st.lists(st.one_of(standings, st.none()), max_size=6), st.booleans())
def test_whatever_looks_brought_what_holds_is_the_newest_look(
    looks: list[Standing | None], backed_up: bool
) -> None:
    """None is a look that failed altogether."""
    world = fleet("a")
    for found in looks:
        look(world, "a", found or Standing("d", unknown="not reached"))
    entry = world.store.ledger.entry("a", "d")
    last = looks[-1] if looks else None
    assert entry.holds == (last is not None and last.unknown is None)
    if entry.holds:
        assert entry.standing == last
        assert last is not None
        assert entry.unsynced_bytes == last.unsynced_bytes
    else:
        assert entry.unsynced_bytes is None
        assert total(world).unsynced_bytes is None


@given(st.permutations(["a", "b", "c"]), st.lists(amounts, min_size=3, max_size=3))
def test_the_total_does_not_depend_on_the_order_of_looks(
    order: list[str], sizes: list[int]
) -> None:
    world = fleet("a", "b", "c")
    for name, size in zip(order, sizes, strict=True):
        assert total(world).unsynced_bytes is None
        look(world, name, left(size, size))
    assert total(world).unsynced_bytes == sum(sizes)
