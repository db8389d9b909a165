"""Lines that lose, delay and starve, but are not cut. Rows 44, 45 and 46."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fault_proxy import FaultProxy
from tests.faults.remote import lose, slow_down
from tests.faults.watching import TIMEOUT_S, Entry, entries, lasting, watching, write_settings
from tests.loopback import LoopbackFleet
from tests.terminal import Terminal

pytestmark = [pytest.mark.root, pytest.mark.timeout(TIMEOUT_S)]

SEEN_AT_ONCE_S = 1.5  # far less than what the slow node needs for an answer


async def test_lost_packets_make_no_node_down(fleet: LoopbackFleet, tmp_path: Path) -> None:
    """1, 5 and 20 % of the packets, each way, from the first connect on."""
    for host, share in zip(fleet.hosts[:3], (0.01, 0.05, 0.20), strict=True):
        lose(host, share)
    async with watching(tmp_path / "qd", entries(fleet)) as watched:
        await watched.until_all_up(60)
        started = time.monotonic()
        while time.monotonic() - started < lasting(120, 3):
            for host in fleet.hosts[:2]:
                table = await watched.runtime.processes.list(host.name)
                assert table.processes
            await asyncio.sleep(1)
        for host in fleet.hosts[:2]:
            assert watched.states_since(host.name, started) == {"up"}
        assert watched.states_since(fleet.hosts[2].name, started) <= {"up", "stale"}


async def test_a_starved_line_brings_heartbeats_in_time_and_only_new_figures(
    fleet: LoopbackFleet, tmp_path: Path
) -> None:
    """64 kbit/s while ten readings a second are wanted, which is five times what the line carries."""
    host = fleet.hosts[0]
    async with watching(tmp_path / "qd", entries(fleet)) as watched:
        await watched.until_all_up()
        watched.runtime.interval = 0.1
        watched.runtime.configure(host.name, "full")
        await asyncio.sleep(1)
        slow_down(host, "64kbit")
        pid, started = watched.pid(host.name), time.monotonic()
        await asyncio.sleep(lasting(60, 3))
        settled, oldest, sequences = time.monotonic(), 0.0, set()
        while time.monotonic() - settled < lasting(60, 5):
            sample = watched.node(host.name).sample
            assert sample is not None
            sequences.add(sample.sequence)
            oldest = max(oldest, time.time() - sample.clock)
            await asyncio.sleep(0.05)
        assert len(sequences) > 3, "readings go on"
        assert oldest < 8, "a reading that would come late is not sent at all"
        assert "down" not in watched.states_since(host.name, started)
        assert watched.states_since(host.name, settled) == {"up"}
        assert watched.pid(host.name) == pid


@contextmanager
def slow_way(host: str, port: int, delay_s: float, jitter_s: float) -> Iterator[FaultProxy]:
    """A proxy in a thread of its own: the test itself waits for a screen."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    proxy = FaultProxy(host, port)
    proxy.delay_s, proxy.jitter_s = delay_s, jitter_s
    asyncio.run_coroutine_threadsafe(proxy.__aenter__(), loop).result(10)
    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(proxy.__aexit__(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def test_a_slow_answer_is_awaited_in_sight_and_no_key_waits_for_it(
    fleet: LoopbackFleet, tmp_path: Path
) -> None:
    host = fleet.hosts[0]
    with slow_way(host.address, host.port, 0.6, 0.3) as proxy:
        slow = Entry(host, fleet.key, "127.0.0.1", proxy.port)
        settings = write_settings(tmp_path, [slow])
        home = tmp_path / "home"
        home.mkdir(mode=0o700)
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
        argv = [sys.executable, "-m", "console", "--config", str(settings)]
        with Terminal(argv, environment=environment) as terminal:
            terminal.wait_for("1/1", 60)
            proxy.delay_s = 1.5  # so that at once and late cannot be confused
            terminal.send("?")
            terminal.wait_for("Keys:", SEEN_AT_ONCE_S)
            terminal.send("\x1b")
            terminal.wait_for(lambda text: "Keys:" not in text, SEEN_AT_ONCE_S)
            terminal.send("\r")
            terminal.wait_for("[Overview]", SEEN_AT_ONCE_S)
            terminal.send("]")
            terminal.wait_for("asking the node", SEEN_AT_ONCE_S)
            terminal.wait_for(lambda text: "asking the node" not in text and "sshd" in text, 20)
