"""A whole fleet is cut off and comes back at the same moment. Row 66."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import fenced
from tests.faults.remote import agents_on
from tests.faults.watching import LONG, PATIENCE, TIMEOUT_S, Watched, entries, watching
from tests.loopback import LoopbackFleet, unavailable

pytestmark = [pytest.mark.root, pytest.mark.timeout(TIMEOUT_S)]

NODES = 64 if LONG else 24
ALL_BACK_S = 30.0
DOWN_S = 30.0


@pytest.fixture(scope="module")
def herd() -> Iterator[LoopbackFleet]:
    if reason := unavailable():
        pytest.skip(reason)
    with LoopbackFleet(NODES) as fleet, fenced(fleet):
        yield fleet


def switch(fleet: LoopbackFleet, state: str) -> None:
    """The cable between us and all of them."""
    subprocess.run(["ip", "link", "set", fleet.bridge, state], check=True, capture_output=True)


def states(watched: Watched) -> set[str]:
    return {node.state for node in watched.runtime.store.nodes.values()}


async def test_all_nodes_of_a_cut_fleet_are_back_at_once(
    herd: LoopbackFleet, tmp_path: Path
) -> None:
    async with watching(tmp_path / "qd", entries(herd)) as watched:
        await watched.until_all_up(60)
        before = {host.name: watched.pid(host.name) for host in herd.hosts}
        switch(herd, "down")
        try:
            await watched.until("all stale", lambda: states(watched) == {"stale"}, 6)
            if LONG:
                await watched.until("all down", lambda: states(watched) == {"down"}, DOWN_S)
            else:  # what a long cut does to the connections, at once
                for host in herd.hosts:
                    host.kill_session()
        finally:
            switch(herd, "up")
        healed = time.monotonic()
        await watched.until(
            "all back by new agents",
            lambda: (
                states(watched) == {"up"}
                and not any(watched.pid(name) == pid for name, pid in before.items())
            ),
            ALL_BACK_S * PATIENCE,
        )
        assert watched.runtime.store.summary().nodes_up == NODES
        for host in herd.hosts:
            log = (host.folder / "log").read_text(errors="replace")
            assert "MaxStartups" not in log
            assert "attention" not in watched.states_since(host.name, healed)
        await watched.until(
            "one agent each", lambda: all(len(agents_on(host)) == 1 for host in herd.hosts), 75
        )
