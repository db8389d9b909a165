"""Which nodes a job works on, and where it runs."""

from __future__ import annotations

from typing import Any

import pytest

from console.errors import UsageError
from console.fleet.model import Transport
from console.operations.jobs.selection import Selection, select
from console.settings.jobs import JobSettings
from console.settings.model import NodeSettings, Settings
from tests.fleet.world import World


@pytest.fixture
def world() -> World:
    world = World()
    world.add("local", transport=Transport.LOCAL)
    world.add("gpu-1", tags=("x",))
    world.add("gpu-2", tags=("x", "y"))
    world.add("nas")
    return world


def chosen(world: World, only: tuple[str, ...] = (), /, **job: Any) -> Selection:
    made = JobSettings(**{"name": "j", "kind": "sync", **job})
    return select(made, Settings(), world.store.nodes, "local", only)


def test_all_but_the_destination_unless_it_is_named(world: World) -> None:
    assert chosen(world).sources == ("gpu-1", "gpu-2", "nas")
    assert chosen(world, destination="nas").sources == ("local", "gpu-1", "gpu-2")
    assert chosen(world, sources="local gpu-1").sources == ("local", "gpu-1")
    assert chosen(world, kind="prune").sources == ("local", "gpu-1", "gpu-2", "nas")


def test_only_some_of_them(world: World) -> None:
    assert chosen(world, ("gpu-*",)).sources == ("gpu-1", "gpu-2")
    assert chosen(world, ("tag:y",), sources="tag:x").sources == ("gpu-2",)
    with pytest.raises(UsageError, match="nas: not a source of job j"):
        chosen(world, ("nas",), sources="tag:x")
    with pytest.raises(UsageError, match="did you mean gpu-1"):
        chosen(world, ("gpu-11",))


def test_nobody_is_refused(world: World) -> None:
    assert "no node fits 'tag:z'" in chosen(world, sources="tag:z").refusals[0]
    assert chosen(world, kind="aggregate", sources="tag:z").refusals == ()


def test_a_destination_that_is_not_there(world: World) -> None:
    with pytest.raises(UsageError, match=r"jobs.j.destination: there is no node named bas"):
        chosen(world, destination="bas")


def test_where_it_runs(world: World) -> None:
    assert chosen(world, destination="nas").here == "local"
    assert chosen(world, destination="nas", run_on="destination").here == "nas"
    assert chosen(world, destination="nas", kind="aggregate").here == "nas"


def test_who_is_switched_off_is_left_out_and_said(world: World) -> None:
    off = NodeSettings(name="gpu-1", sync_disabled=True)
    settings = Settings(nodes=(off, NodeSettings(name="nas", sync_disabled=True)))
    job = JobSettings(name="j", kind="sync", sources="gpu-*")
    found = select(job, settings, world.store.nodes, "local")
    assert found.sources == ("gpu-2",)
    assert found.notes == ("left out: gpu-1: its settings say sync_disabled",)
    to_nas = JobSettings(name="j", kind="sync", sources="gpu-2", destination="nas")  # type: ignore[arg-type]
    assert select(to_nas, settings, world.store.nodes, "local").refusals == (
        "nothing is synced to nas: its settings say sync_disabled",
    )
    (refusal,) = select(job, settings, world.store.nodes, "local", ["gpu-1"]).refusals
    assert refusal == "no node is left to work on"
    pruning = JobSettings(name="p", kind="prune", sources="gpu-1")
    assert select(pruning, settings, world.store.nodes, "local").sources == ("gpu-1",)


def test_one_machine_with_two_names_is_asked_once(world: World) -> None:
    for name in ("gpu-1", "gpu-2"):
        world.up(name, key="the same")
    found = chosen(world, sources="gpu-*")
    assert found.sources == ("gpu-1",)
    assert found.notes == ("left out: gpu-2 is the same machine as gpu-1",)
