"""Namespaced hosts for a module, whole again before each test; nothing of ours is left on them after it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.remote import agents_on, mend
from tests.loopback import LoopbackFleet, unavailable

HOSTS = 4
AGENTS_GONE_S = 75.0  # an agent behind a cut that nobody can tell leaves after 60 s of silence


@contextmanager
def fenced(fleet: LoopbackFleet) -> Iterator[None]:
    """While this holds, what is sent to the fleet's network goes to them or nowhere: a cut must not send
    it to the machine's own gateway."""
    route = [f"{fleet.network}.0/24", "metric", "4000"]
    subprocess.run(["ip", "route", "replace", "unreachable", *route], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "route", "delete", "unreachable", *route], check=False)


@pytest.fixture(scope="module")
def namespaces() -> Iterator[LoopbackFleet]:
    """The module's four hosts."""
    if reason := unavailable():
        pytest.skip(reason)
    with LoopbackFleet(HOSTS) as fleet, fenced(fleet):
        # Without it the first of our addresses takes the second with it when it goes.
        Path(f"/proc/sys/net/ipv4/conf/{fleet.bridge}/promote_secondaries").write_text("1")
        yield fleet


@pytest.fixture
def fleet(namespaces: LoopbackFleet) -> Iterator[LoopbackFleet]:
    """The hosts, reachable at the start; at the end every agent must be gone."""
    yield namespaces
    for host in namespaces.hosts:
        mend(host)
    deadline = time.monotonic() + AGENTS_GONE_S
    while left := {host.name: agents_on(host) for host in namespaces.hosts if agents_on(host)}:
        assert time.monotonic() < deadline, f"agents left running: {left}"
        time.sleep(0.1)
