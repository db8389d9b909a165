"""The filter language says which nodes, or where it cannot be understood."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.fleet.filter import FilterError, parse
from tests.fleet.world import GIB, World, disk, gpu, process, sample
from workers.protocol import GpuReport


@pytest.fixture(scope="module")
def world() -> World:
    world = World()
    world.add("gpu-1", tags=("selfplay", "rented"))
    world.add("gpu-2", tags=("train",))
    world.add("cpu-1", address="build.example")
    world.up("gpu-1", sample(95.0, gpu=GpuReport((gpu(0, 98.0), gpu(1, 0.0)))))
    world.up("gpu-2", sample(5.0, top=(process(7, "rsync"),), gpu=GpuReport((gpu(0, 20.0),))))
    world.up("cpu-1", sample(None, memory=(100 * GIB, 80 * GIB), disks=(disk(used=95),)))
    world.run(2)
    world.lose("gpu-2")
    world.run(20)
    return world


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "gpu-1 gpu-2 cpu-1"),
        ("gpu>90", "gpu-1"),
        ("gpu<10", "gpu-1"),
        ("!gpu>90", "gpu-2 cpu-1"),
        ("! gpu>90", "gpu-2 cpu-1"),
        ("!!gpu>90", "gpu-1"),
        ("cpu>=95", "gpu-1"),
        ("!cpu>=0", "cpu-1"),
        ("mem>50", "cpu-1"),
        ("disk>80%", "cpu-1"),
        ("load>1", ""),
        ("tag:selfplay", "gpu-1"),
        ("tag:selfplay,train", "gpu-1 gpu-2"),
        ("tag:self", ""),
        ("state:down", "gpu-2"),
        ("!state:up", "gpu-2"),
        ("STATE:DOWN", "gpu-2"),
        ("name~^gpu-[0-9]$ !state:down", "gpu-1"),
        ("alert:any", "gpu-2 cpu-1"),
        ("alert:disk_nearly_full", "cpu-1"),
        ('alert:"reset by peer"', "gpu-2"),
        ("rsync", "gpu-2"),
        ("RENTED", "gpu-1"),
        ("build.example", "cpu-1"),
        ("host:build", "cpu-1"),
        ("gpu cpu>50", "gpu-1"),
        ('"gpu-1"', "gpu-1"),
        ('"tag:x"', ""),
        ("model:h100", "gpu-1 gpu-2"),
        ("gpus=2", "gpu-1"),
    ],
)
def test_a_filter_takes_the_nodes_it_says(world: World, text: str, names: str) -> None:
    wanted = parse(text)
    taken = [n.name for n in world.store.nodes.values() if wanted.matches(n, world.store.alerts)]
    assert taken == names.split()


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("gpu>", 4, "needs a value"),
        ("a gpu>many", 6, "a number"),
        ("tga:x", 0, "did you mean tag?"),
        ("gpu:90", 0, "is a number"),
        ("tag>3", 0, "is a word"),
        ("name~(", 5, "regular expression"),
        ('a "b', 2, "quotation mark"),
        ("a !", 3, "needs a term"),
        ("state:", 6, "needs a value"),
    ],
)
def test_a_filter_that_cannot_be_understood_says_where_and_why(
    text: str, position: int, words: str
) -> None:
    with pytest.raises(FilterError, match=words.replace("?", r"\?")) as caught:
        parse(text)
    assert caught.value.position == position


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_filter_or_an_error_with_a_place_in_it(text: str) -> None:
    world = World("a")
    try:
        parse(text).matches(world.node("a"))
    except FilterError as error:
        place = error.position
    else:
        place = 0
    assert 0 <= place <= len(text)
