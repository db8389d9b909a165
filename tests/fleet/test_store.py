"""The store tells what changed, and nothing of a node that is not in the fleet."""

from __future__ import annotations

from console.fleet.events import ClockTicked, NodeAdded, NodeRemoved, NoticeArrived
from console.fleet.model import NodeSpec
from console.fleet.store import AlertsChanged, Change, FleetStore, NodeChanged
from tests.fleet.world import World, gpu, sample
from workers.protocol import DatasetCount, GpuReport, Notice


def test_subscribing_replays_the_present_then_tells_each_change_until_ended() -> None:
    world = World("a", "b")
    told: list[Change] = []
    end = world.store.subscribe(told.append)
    assert told == [NodeChanged("a", "added"), NodeChanged("b", "added"), AlertsChanged()]
    told.clear()
    world.beat("a")
    world.show("a", sample())
    world.count("a", DatasetCount("d", 1, 5, 5))
    world.apply(NoticeArrived("a", world.at, Notice("warning", "noise")))
    world.apply(NodeRemoved("b", world.at))
    assert [c.what for c in told if isinstance(c, NodeChanged)] == [
        "heartbeat", "sample", "datasets", "notice", "removed",
    ]  # fmt: skip
    told.clear()
    end()
    world.beat("a")
    assert told == []


def test_events_of_an_unknown_node_are_void() -> None:
    world = World("a")
    for act in (world.up, world.beat, world.lose, lambda n: world.show(n, sample())):
        act("ghost")
    world.apply(NodeRemoved("ghost", world.at))
    assert list(world.store.nodes) == ["a"]


def test_a_past_from_before_the_machine_started_keeps_its_moments() -> None:
    store = FleetStore()
    store.apply(NodeAdded("a", -7_200.0, NodeSpec("a")))
    assert store.now == -7_200.0
    store.apply(ClockTicked(-3_600.0, 1_000.0))
    assert store.now == -3_600.0
    store.apply(ClockTicked(-5_000.0, 1_000.0))
    assert store.now == -3_600.0


def test_nodes_keep_the_order_they_were_added_in() -> None:
    world = World("c", "a", "b")
    world.lose("a")
    world.run(20)
    world.up("a")
    assert list(world.store.nodes) == ["c", "a", "b"]


def test_the_summary_counts_what_is_up_and_says_the_worst() -> None:
    world = World("a", "b")
    world.alive["a"] = sample(gpu=GpuReport((gpu(0, 90.0), gpu(1, 0.0), gpu(2, None))))
    world.run(1)
    world.lose("b")
    world.run(16)
    summary = world.store.summary()
    assert (summary.nodes_up, summary.nodes_total) == (1, 2)
    assert (summary.gpus_busy, summary.gpus_total) == (1, 3)
    assert summary.records_per_hour is None
    assert summary.worst is not None
    assert summary.worst.kind == "node_down"
    assert dict(summary.states) == {"up": 1, "down": 1}


def test_rings_are_bounded_and_keep_what_is_not_available_as_none() -> None:
    world = World("a")
    world.alive["a"] = sample(cpu=None)
    world.run(300)
    history = world.store.history("a")
    assert len(history.cpu) == 240
    assert history.cpu[-1] == (world.at, None)
    assert history.gpu[-1] == (world.at, None)
    assert history.memory[-1][1] == 50.0
