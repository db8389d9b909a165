"""What stands between: a router that forgets idle connections, and one that drops large packets. Rows 41, 47."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from console.fleet.model import DOWN_AFTER_S, STALE_AFTER_S, ProblemKind
from tests.faults.router import routed
from tests.faults.watching import PATIENCE, TIMEOUT_S, Entry, lasting, watching
from tests.loopback import LoopbackFleet

pytestmark = [pytest.mark.root, pytest.mark.timeout(TIMEOUT_S)]

FORGOTTEN_AFTER_S = 3


async def test_a_router_that_forgets_idle_connections_never_sees_an_idle_one(
    fleet: LoopbackFleet, tmp_path: Path
) -> None:
    """Not even of a node nothing is wanted of."""
    host = fleet.hosts[0]
    with routed(host) as router:
        router.forget_idle(FORGOTTEN_AFTER_S)
        async with watching(tmp_path / "qd", [Entry(host, fleet.key, router.address)]) as watched:
            await watched.until_all_up()
            pid, started = watched.pid(host.name), time.monotonic()
            watched.runtime.configure(host.name, "off")
            await asyncio.sleep(lasting(60, FORGOTTEN_AFTER_S * 2))
            watched.runtime.configure(host.name, "summary")
            assert (await watched.runtime.processes.list(host.name)).processes
            assert watched.states_since(host.name, started) == {"up"}
            assert watched.pid(host.name) == pid


async def test_a_path_that_drops_large_packets_is_named(
    fleet: LoopbackFleet, tmp_path: Path
) -> None:
    """The greeting comes through, the key exchange does not."""
    host = fleet.hosts[0]
    ssh = {"connect_timeout_s": 4.0, "reconnect_timeout_s": 2.0}
    with routed(host) as router:
        router.narrow(600)
        async with watching(
            tmp_path / "qd", [Entry(host, fleet.key, router.address)], ssh
        ) as watched:
            await watched.until_state(host.name, "down", DOWN_AFTER_S * PATIENCE)
            node = watched.node(host.name)
            assert node.lost is not None
            assert node.lost.problem.kind is ProblemKind.TIMED_OUT
            assert "drops large packets" in node.reason
            assert router.address in node.reason


@pytest.mark.long
async def test_a_path_that_narrows_under_a_live_link_is_stale_down_and_named(
    fleet: LoopbackFleet, tmp_path: Path
) -> None:
    host = fleet.hosts[0]
    with routed(host) as router:
        async with watching(tmp_path / "qd", [Entry(host, fleet.key, router.address)]) as watched:
            await watched.until_all_up()
            router.narrow(600)
            await watched.until_state(host.name, "stale", STALE_AFTER_S * PATIENCE)
            await watched.until_state(host.name, "down", DOWN_AFTER_S * PATIENCE)
            await watched.until(
                "the path is named",
                lambda: "drops large packets" in watched.node(host.name).reason,
                30,
            )
