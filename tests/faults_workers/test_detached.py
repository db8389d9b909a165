"""A node is taken out of the settings while a worker lives there: nothing is touched, nothing is forgotten."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from console.errors import QuarterdeckError
from tests.faults_workers.desk import Desk, until
from tests.loopback import LoopbackFleet, unavailable
from tests.processes import alive, command_of, descendants

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(bool(unavailable()), reason=unavailable() or "-"),
]


@pytest.fixture
def fleet() -> Iterator[LoopbackFleet]:
    """A machine of its own: another entry of this one would go on showing the worker."""
    with LoopbackFleet(1) as up:
        yield up


def sleepers(fleet: LoopbackFleet) -> list[int]:
    living = descendants(fleet.hosts[0].init)
    return [pid for pid in living if command_of(pid) == [b"sleep", b"600"]]


async def test_its_worker_stays_listed_and_is_the_same_when_the_node_comes_back(
    desk: Desk, fleet: LoopbackFleet
) -> None:
    (entry,) = yaml.safe_load(fleet.settings.read_text())["nodes"]
    entry["name"] = "far"
    (desk.folder / "known_hosts").write_text(fleet.known_hosts.read_text())
    desk.settings("local", entry)
    async with desk.console() as console:
        started = await console.start("kept", "sleep", "600", node="far")
        await console.shows(started.run_id, lambda r: r.state == "running")
        desk.settings("local")
        await until("detached", lambda: console.node("far").state == "detached")
        view = console.view(started.run_id)
        assert view is not None
        assert (view.live, view.reachable) == (True, False)
        outcome = await console.act(started.run_id, "stop", node="far")
        assert not outcome.done
        assert "taken out of the settings" in outcome.text
        with pytest.raises(QuarterdeckError):
            await console.runtime.workers.forget(("far", started.run_id))
        (pid,) = sleepers(fleet)
    listed = desk("workers", "list", "--json")
    assert "kept" in [worker["name"] for worker in listed.json["workers"]], "by the next console"
    desk.settings("local", entry)
    async with desk.console() as console:
        now = await console.shows(started.run_id, lambda r: r.state == "running")
        assert (now.pid, now.attempt) == (started.pid, 1)
        assert sleepers(fleet) == [pid]
        assert (await console.act(started.run_id, "stop", node="far")).done
        await console.shows(started.run_id, lambda r: r.state == "stopped")
    assert not alive(pid)
