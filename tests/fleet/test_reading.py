"""Order and diagnosis: what a person reads first."""

from __future__ import annotations

from console.fleet.diagnosis import diagnose, diagnose_fleet
from console.fleet.model import ProblemKind
from console.fleet.sorting import sort_nodes
from tests.fleet.world import World, gpu, process, sample
from workers.protocol import GpuReport


def names(world: World, column: str | None, reverse: bool = False) -> list[str]:
    nodes = sort_nodes(world.store.nodes.values(), column, reverse, world.store.alerts)
    return [node.name for node in nodes]


def test_order_is_as_added_until_asked_and_unknown_figures_come_last() -> None:
    world = World("n10", "n2", "n1", "n3")
    world.show("n10", sample(10.0))
    world.show("n2", sample(90.0))
    world.show("n1", sample(None))
    assert names(world, None) == ["n10", "n2", "n1", "n3"]
    assert names(world, "name") == ["n1", "n2", "n3", "n10"]
    assert names(world, "cpu") == ["n10", "n2", "n1", "n3"]
    assert names(world, "cpu", True) == ["n2", "n10", "n1", "n3"]
    world.lose("n3", ProblemKind.AUTHENTICATION)
    assert names(world, "state")[0] == "n3"
    assert names(world, "alerts", True)[0] == "n3"


def test_a_diagnosis_gives_facts_reasons_and_the_next_key() -> None:
    world = World("a")
    world.lose("a", ProblemKind.REFUSED, "refused: nothing listens on port 22 of 10.0.0.1")
    world.run(20)
    result = diagnose(world.node("a"), world.store.history("a"), world.store.alerts, world.at)
    assert "refused: nothing listens on port 22" in result.headline
    assert result.next_key == "Ctrl-R"  # the diagnosis itself is open already
    assert any(fact.startswith("state down") for fact in result.facts)
    assert result.reasons


def test_figures_that_explain_each_other_are_put_together() -> None:
    world = World("a")
    busy = sample(
        99.0,
        gpu=GpuReport((gpu(0, 3.0),)),
        top=(process(5, "tar", cpu=900.0),),
        iowait_percent=35.0,
    )
    world.alive["a"] = busy
    world.run(1)
    result = diagnose(world.node("a"), world.store.history("a"), (), world.at)
    assert any("they are not fed (tar (5) 900 %)" in reason for reason in result.reasons)
    assert any("wait for disks 35 %" in reason for reason in result.reasons)


def test_nothing_wrong_is_said_as_what_can_be_seen() -> None:
    world = World("a")
    world.alive["a"] = sample()
    world.run(1)
    result = diagnose(world.node("a"), world.store.history("a"), (), world.at)
    assert result.reasons == ()
    assert result.next_key == ""
    assert "nothing is wrong that can be seen" in result.headline


def test_many_nodes_down_for_one_reason_are_one_problem() -> None:
    world = World("a", "b", "c", "d")
    for name in ("a", "b", "c"):
        world.lose(name, ProblemKind.UNREACHABLE, "no route to host")
    world.run(20)
    sentence = diagnose_fleet(world.store.nodes.values(), world.store.alerts)
    assert sentence.startswith("3 of 4 nodes do not answer (unreachable)")
