"""Code on several nodes over real sshd: in batches, with a gate, pausing at a failure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.conduct import update_code
from console.conduct.orders import Orders
from console.conduct.program import Conductor, settled
from console.conduct.telling import Telling
from console.operations.code_versions import CodeVersions
from console.operations.workers import StartRequest
from console.runtime import Runtime
from tests.conduct.repositories import Origin, git, head
from tests.running import sweep
from tests.runtimes import runtime_of, settings_file, until
from tests.sshd import Sshd, SshdFactory

WORKER = 'i=0; while sh code.sh; do i=$((i+1)); printf \'{"schema": 1, "done": %d}\' $i > $QD_STATUS.t; mv $QD_STATUS.t $QD_STATUS; sleep 0.2; done; exit 9'


class World:
    def __init__(self, runtime: Runtime, origin: Origin, servers: list[Sshd]) -> None:
        self.runtime, self.origin, self.servers = runtime, origin, servers
        self.telling = Telling("node")

    def clone(self, number: int) -> Path:
        return self.servers[number].home / "code"

    @property
    def heads(self) -> list[str]:
        return [head(self.clone(n)) for n in range(len(self.servers))]

    async def update(self, **options: Any) -> int:
        orders = Orders(
            "u", "update_code", "r", "local", tuple(f"h{n}" for n in range(1, len(self.servers) + 1)),
            options={"repo": "code", "ref": "main", "batch": 1, "healthy_within_s": 20.0, **options},
        )  # fmt: skip
        return await update_code.run(Conductor(orders, self.runtime, self.telling))

    def part(self, node: str) -> tuple[str, str]:
        part = self.telling._parts[node]
        return part["state"], part.get("message", "")

    @property
    def said(self) -> dict[str, Any]:
        return self.telling._known


@pytest.fixture
async def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sshd_factory: SshdFactory
) -> AsyncIterator[World]:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    origin = Origin(tmp_path / "origin")
    servers = [sshd_factory() for _ in range(3)]
    for server in servers:
        origin.clone(server.home / "code")
    known = home / "known"
    known.write_text("".join(server.known_hosts_line for server in servers))
    nodes = [
        {"name": f"h{number}", "root": str(server.home), **server.settings()}
        for number, server in enumerate(servers, 1)
    ]
    settings_file(home, yaml.safe_dump({"nodes": nodes, "ssh": {"known_hosts": [str(known)]}}))
    try:
        async with runtime_of(home) as runtime:
            await settled(runtime, tuple(runtime.store.nodes))
            yield World(runtime, origin, servers)
    finally:
        for server in servers:
            sweep(server.home)


async def test_batch_by_batch_and_a_pause_at_a_failure(world: World) -> None:
    (one, *_), two = world.heads, world.origin.commit("two")
    assert await world.update(batch=2) == 0
    assert world.heads == [two, two, two]
    assert world.part("h3")[1].startswith(f"main {one[:10]} → main {two[:10]}")
    assert CodeVersions().of("h2")["code"].commit == two
    # The second has changes of its own: the first stays updated, the third is not touched.
    three = world.origin.commit("three")
    (world.clone(1) / "code.txt").write_text("mine\n")
    world.servers[0].stop()
    await until(lambda: world.runtime.store.nodes["h1"].state != "up")
    assert await world.update() == 1
    assert world.heads == [two, two, two]
    assert world.part("h1")[0] == "failed"
    assert "1 file changed: nothing was done" in world.part("h2")[1]
    assert world.part("h3") == ("skipped", "untouched: a batch before it failed")
    assert world.said["message"] == "failed on h1, h2; untouched: h3"
    assert (world.clone(1) / "code.txt").read_text() == "mine\n"
    git(world.clone(1), "checkout", "code.txt")
    assert await world.update() == 1
    assert world.heads == [two, three, three]
    assert world.said["phase"] == "partial"


@pytest.mark.long
async def test_workers_must_get_on_or_the_batch_goes_back(world: World) -> None:
    good = _script(world, "exit 0")
    assert await world.update() == 0
    request = StartRequest(("h1",), "", ("sh", "-c", WORKER), "w", directory="code")
    (outcome,) = await world.runtime.workers.start(world.runtime.workers.plan(request))
    assert outcome.done, outcome
    await until(lambda: _progress(world) is not None)
    better = _script(world, "exit 0 # better")
    assert await world.update() == 0, world.said
    assert world.heads == [better] * 3
    assert _attempt(world) == 2
    bad = _script(world, "exit 1")
    assert await world.update() == 1
    assert bad not in world.heads
    state, text = world.part("h1")
    assert (state, "w@h1: it does not run well" in text) == ("failed", True), text
    assert f"rolled back to main {better[:10]}" in text
    assert world.part("h2")[0] == "skipped"
    await until(lambda: _progress(world) and _attempt(world) >= 4)
    assert good != better


def _script(world: World, text: str) -> str:
    (world.origin.folder / "code.sh").write_text(f"{text}\n")
    git(world.origin.folder, "add", "code.sh")
    git(world.origin.folder, "commit", "-m", text)
    return head(world.origin.folder)


def _view(world: World) -> Any:
    return next(v for v in world.runtime.store.workers_of("h1") if v.name == "w")


def _progress(world: World) -> Any:
    found = _view(world).record
    return found.progress.done if found.state == "running" and found.progress else None


def _attempt(world: World) -> int:
    return int(_view(world).record.attempt)
