"""A node's state follows its heartbeats, and says why."""

from __future__ import annotations

from console.fleet.events import HeartbeatArrived, LinkOpening, NodeRemoved, SampleArrived
from console.fleet.lifecycle import is_skewed, is_slow
from console.fleet.model import Down, ProblemKind, Up
from tests.fleet.world import WALL, World, sample
from workers.protocol import Heartbeat


def test_silence_is_stale_after_3_s_and_down_after_15_s() -> None:
    world = World("a")
    world.run(2)
    world.hush("a")
    world.run(2)
    assert world.node("a").state == "up"
    world.run(1)
    assert world.node("a").state == "stale"
    world.run(11)
    assert world.node("a").state == "stale"
    world.run(1)
    assert world.node("a").state == "down"
    assert "no heartbeat for 15 s" in world.node("a").reason


def test_a_lost_link_is_down_after_15_s_with_the_reason_of_its_loss() -> None:
    world = World("a")
    world.lose("a", ProblemKind.LOST, "connection reset by peer")
    assert world.node("a").state == "up"
    world.run(4)
    assert world.node("a").state == "stale"
    assert "reset by peer" in world.node("a").reason
    world.run(12)
    link = world.node("a").link
    assert isinstance(link, Down)
    assert link.problem.text == "connection reset by peer"


def test_a_link_that_is_made_again_within_15_s_was_never_down() -> None:
    world = World("a")
    seen = []
    world.store.subscribe(lambda _: seen.append(world.node("a").state))
    world.lose("a")
    world.run(5)
    world.up("a")
    world.run(5)
    assert "down" not in seen
    assert world.node("a").state == "up"


def test_a_node_that_never_answered_is_down_at_once_and_keeps_its_reason_while_trying() -> None:
    world = World()
    world.add("a")
    assert world.node("a").state == "connecting"
    world.lose("a", ProblemKind.REFUSED, "refused: nothing listens on port 22")
    since = world.node("a").link.since
    world.run(3)
    world.apply(LinkOpening("a", world.at, 2, "connecting"))
    assert world.node("a").state == "down"
    assert world.node("a").reason == "refused: nothing listens on port 22"
    world.lose("a", ProblemKind.REFUSED, "refused: nothing listens on port 22")
    assert world.node("a").link.since == since


def test_a_sticky_problem_waits_for_a_person_until_one_acts() -> None:
    world = World("a")
    world.lose("a", ProblemKind.HOST_KEY_CHANGED, "the host key changed")
    assert world.node("a").state == "attention"
    world.run(60)
    assert world.node("a").state == "attention"
    world.apply(LinkOpening("a", world.at, 1, "authenticating"))
    assert (world.node("a").state, world.node("a").reason) == ("connecting", "authenticating")
    world.up("a")
    assert world.node("a").state == "up"


def test_the_next_heartbeat_of_a_silent_link_brings_the_node_up_by_itself() -> None:
    world = World("a")
    world.hush("a")
    world.run(20)
    assert world.node("a").state == "down"
    world.beat("a")
    assert isinstance(world.node("a").link, Up)


def test_a_late_sample_or_a_queued_heartbeat_makes_no_down_node_up() -> None:
    world = World("a")
    world.lose("a")
    world.run(20)
    world.apply(SampleArrived("a", world.at, sample(cpu=99.0)))
    world.beat("a")
    assert world.node("a").state == "down"
    assert world.node("a").sample is None


def test_heartbeats_count_and_not_samples() -> None:
    world = World("a", "b")
    world.run(2)
    world.hush("b")
    for _ in range(5):
        world.run(1)
        world.show("b", sample())
    assert world.node("a").state == "up"  # never sent a sample
    assert world.node("b").state == "stale"  # sent nothing else


def test_slow_is_not_down() -> None:
    world = World("a")
    world.hush("a")
    for _ in range(20):
        world.run(2)
        world.beat("a", trip_s=1.9)
    assert world.node("a").state == "up"
    assert is_slow(world.node("a"))


def test_our_own_sleep_is_no_silence_of_the_nodes() -> None:
    world = World("a")
    world.run(3)
    world.at += 600.0
    world.tick()
    assert world.node("a").state == "stale"
    world.hush("a")
    world.run(5)
    assert world.node("a").state == "stale"
    world.beat("a")
    assert world.node("a").state == "up"


def test_the_clock_offset_takes_half_the_round_trip_off() -> None:
    world = World("a")
    heard = Heartbeat(1, world.clock + 600.0 - 0.5, 1.0)
    world.apply(HeartbeatArrived("a", world.at, heard, world.clock, 1.0))
    offset = world.node("a").clock_offset_s
    assert offset is not None
    assert abs(offset - 600.0) < 1e-3
    assert is_skewed(world.node("a"))


def test_two_entries_of_one_machine_are_one_node_until_the_first_is_removed() -> None:
    world = World()
    for name in ("a", "b"):
        world.add(name)
        world.up(name, key="same")
    assert world.node("a").same_as is None
    assert world.node("b").same_as == "a"
    assert world.store.summary().nodes_total == 1
    world.apply(NodeRemoved("a", world.at))
    assert world.node("b").same_as is None


def test_another_machine_under_the_same_name_inherits_no_figures() -> None:
    world = World("a")
    world.show("a", sample())
    world.up("a", key="another", clock=WALL)
    assert world.node("a").sample is None
