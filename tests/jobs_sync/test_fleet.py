"""Syncs over a real sshd: pulled, relayed, pushed, and cut off in the middle."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.jobs_sync.scenes import Scene, parts
from tests.loopback import LoopbackFleet, unavailable
from workers.jobs import sync

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(bool(unavailable()), reason=unavailable() or "-"),
]


@pytest.fixture(scope="module")
def fleet() -> Iterator[LoopbackFleet]:
    with LoopbackFleet(2) as found:
        yield found


def ssh(fleet: LoopbackFleet, number: int) -> list[str]:
    return [
        "ssh", "-F", "/dev/null", "-i", str(fleet.key), "-o", "BatchMode=yes", "-a", "-x",
        "-o", f"UserKnownHostsFile={fleet.known_hosts}", "-o", "StrictHostKeyChecking=yes",
        "-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2",
        "--", f"root@{fleet.hosts[number].address}",
    ]  # fmt: skip


def hosts(fleet: LoopbackFleet) -> dict[str, Any]:
    return {
        host.name: {"ssh": ssh(fleet, number), "root": "~/run"}
        for number, host in enumerate(fleet.hosts)
    }


def test_pulled_relayed_and_pushed(fleet: LoopbackFleet, scene: Scene) -> None:
    first, second = fleet.hosts
    data = os.urandom(500_000).hex() + "\n"
    for name in ("a b.jsonl", "-n.jsonl", "ü.jsonl"):
        scene.put(f"run/d/{name}", data, root=first.home)
    datasets = [{"name": "games", "paths": ["d/*.jsonl"], "count": "lines", "nodes": ["h1"]}]
    wanted = {"hosts": hosts(fleet), "datasets": datasets, "sources": ["h1"]}
    worker = scene.run(**wanted)
    assert parts(worker)["h1"]["message"] == "3 files, 3.0 MB synced"
    assert scene.copy("games", "d/-n.jsonl", "h1").read_text() == data
    scene.check()

    far = {"node": "h2", "path": "~/data"}
    plan = sync.plan(scene.document(**wanted, destination=far)).text()
    assert "relayed by this machine to h2" in plan
    scene.run(**wanted, destination=far)
    assert (second.home / "data/games/h1/d/ü.jsonl").read_text() == data
    assert (second.home / "data/games/.quarterdeck/synced.jsonl").read_bytes().count(b"\n") == 3

    scene.put("models/m.bin", b"m" * 1000, root=scene.folder / "home")
    scene.run(
        hosts=hosts(fleet), datasets=[], sources=["h2"],
        options={"direction": "push", "paths": ["models"]},
    )  # fmt: skip
    assert (second.home / "models/m.bin").read_bytes() == b"m" * 1000


def test_a_connection_that_breaks_is_made_again(fleet: LoopbackFleet, scene: Scene) -> None:
    first = fleet.hosts[0]
    data = os.urandom(1_000_000).hex() + "\n"
    scene.put("run/e/a.jsonl", data, root=first.home)
    datasets = [{"name": "games", "paths": ["e/*.jsonl"], "count": "lines", "nodes": ["h1"]}]
    wanted = {"hosts": hosts(fleet), "datasets": datasets, "sources": ["h1"]}
    staging = scene.destination / ".quarterdeck/staging"
    breaker = threading.Thread(target=_cut_once, args=(first, staging))
    breaker.start()
    scene.run(**wanted, limits={"bandwidth_kib_s": 800, "retries": 8})
    breaker.join()
    assert scene.copy("games", "e/a.jsonl", "h1").read_text() == data
    scene.check()


def _cut_once(host: Any, staging: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if any(path.stat().st_size > 100_000 for path in staging.rglob(".a.jsonl.*")):
            host.kill_session()
            return
        time.sleep(0.05)
