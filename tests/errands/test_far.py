"""Errands over real ssh, to hosts in namespaces of their own."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.errands.fields import LINES, hash_of
from tests.loopback import LoopbackFleet, unavailable
from tests.namespaces import LoopbackHost
from workers.errands.client import Errand
from workers.errands.faults import ErrandFailed, Unreachable
from workers.errands.shapes import Arrival, Removal
from workers.ledger.shapes import Synced

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def fleet() -> Iterator[LoopbackFleet]:
    if reason := unavailable():
        pytest.skip(reason)
    with LoopbackFleet(2) as up:
        yield up


def host(fleet: LoopbackFleet, number: int) -> dict[str, Any]:
    """As a job's document has it."""
    there = fleet.hosts[number]
    options = [
        "BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={fleet.known_hosts}",
        "ConnectTimeout=10", "ServerAliveInterval=1", "ServerAliveCountMax=3",
    ]  # fmt: skip
    words = [word for option in options for word in ("-o", option)]
    return {
        "ssh": ["ssh", "-F", "none", "-i", str(fleet.key), *words, "--", f"root@{there.address}"],
        "root": "~/run",
    }


def programs(there: LoopbackHost) -> int:
    """How many errand programs run there."""
    found = there.exec(["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]).stdout
    return found.count(b"zlib.decompress")


def gone(there: LoopbackHost) -> None:
    deadline = time.monotonic() + 30
    while programs(there):
        assert time.monotonic() < deadline, "errand programs are left"
        time.sleep(0.1)


def listens(there: LoopbackHost) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection((there.address, there.port), 5).close()
        except OSError:
            assert time.monotonic() < deadline, "sshd did not start"
            time.sleep(0.05)
        else:
            return


def test_a_file_from_one_node_to_another_and_then_removed(fleet: LoopbackFleet) -> None:
    data = b'{"a":1}\n{"b":2}\n'
    source, target = fleet.hosts
    (source.home / "run/data").mkdir(parents=True)
    (source.home / "run/data/a.jsonl").write_bytes(data)
    with (
        Errand.open(host(fleet, 0), source.name) as near,
        Errand.open(host(fleet, 1), target.name) as far,
    ):
        assert (near.hostname, far.hostname) == ("h1", "h2")
        assert near.node_key != far.node_key
        listing = near.list("~/run", [LINES])
        (file,) = listing.files["games"]
        assert listing.root == "/root/run"
        (hashed,) = near.hash("~/run", [(file.path, file.prefix_bytes)])
        assert hashed.hash == hash_of(data)
        far.lock("~/there", 3, "test")
        staged = ".quarterdeck/staging/r1/h1/data/a.jsonl"
        (target.home / "there" / staged).parent.mkdir(parents=True)
        (target.home / "there" / staged).write_bytes(data)
        entry = Synced(
            "h1", near.node_key, file.path, file.prefix_bytes, file.records, hashed.hash,
            file.mtime_ns, file.size, time.time(), "r1", 3,
        )  # fmt: skip
        (placed,) = far.place("~/there", "games", [Arrival(staged, entry)], 3)
        assert placed.placed, placed.reason
        assert far.manifests("~/there", "games").synced == (entry,)
        assert (target.home / "there/games/h1/data/a.jsonl").read_bytes() == data
        removal = Removal(file.path, file.size, file.mtime_ns, hashed.hash)
        (removed,) = near.remove("~/run", [removal])
        assert removed.removed, removed.reason
    assert os.listdir(source.home / "run/data") == []
    for there in fleet.hosts:
        gone(there)
    assert not (source.home / ".local").exists()  # nothing is left behind


def test_a_cut_in_the_middle_is_unreachable_and_frees_the_lock(fleet: LoopbackFleet) -> None:
    target = fleet.hosts[1]
    (target.home / "big").write_bytes(b"x")
    os.truncate(target.home / "big", 1 << 42)
    with Errand.open(host(fleet, 1), target.name) as errand:
        errand.lock("~/locked", 5, "first")
        cuts: list[Path] = []

        def cut(*_: int) -> None:
            if not cuts:
                cuts.append(target.home)
                target.cut()

        try:
            with pytest.raises(Unreachable, match=r"h2: (the connection ended|silent)"):
                errand.hash("~", [("big", 1 << 42)], cut)
        finally:
            target.heal()
    target.kill_session()
    gone(target)
    with Errand.open(host(fleet, 1), target.name) as errand:
        errand.lock("~/locked", 6, "second")


def test_a_node_that_is_down_and_a_key_that_is_not_let_in(
    fleet: LoopbackFleet, tmp_path: Path
) -> None:
    target = fleet.hosts[1]
    target.stop_sshd()
    try:
        with pytest.raises(Unreachable, match="Connection refused"):
            Errand.open(host(fleet, 1), target.name)
    finally:
        target.start_sshd()
    listens(target)
    other = host(fleet, 1)
    other["ssh"][other["ssh"].index(str(fleet.key))] = str(tmp_path / "none")
    with pytest.raises(Unreachable, match="Permission denied"):
        Errand.open(other, target.name)


def test_a_destination_that_another_errand_holds(fleet: LoopbackFleet) -> None:
    with (
        Errand.open(host(fleet, 1), "a") as first,
        Errand.open(host(fleet, 1), "b") as second,
    ):
        first.lock("~/both", 1, "ada's run")
        with pytest.raises(ErrandFailed, match="another job is at work there: ada's run"):
            second.lock("~/both", 2, "bob's run")
