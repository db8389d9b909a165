"""A node that leaves the settings while workers live there stays listed, also for the consoles to come."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console.errors import UsageError
from console.operations.workers import StartRequest, Verdict
from console.runtime import Runtime
from tests.backends.memory_agent import MemoryNode, load_settings, runtime_on, told
from tests.runtimes import settings_file, until

BOTH, ONE = "nodes: [a, b]\n", "nodes: [a]\n"


@pytest.fixture
def nodes() -> list[MemoryNode]:
    return [MemoryNode("a"), MemoryNode("b")]


@pytest.fixture
async def runtime(tmp_path: Path, nodes: list[MemoryNode]) -> AsyncIterator[Runtime]:
    """With a worker on b."""
    async with runtime_on(load_settings(tmp_path, BOTH), *nodes) as running:
        await told(running, "a", "b")
        request = StartRequest(("b",), command=("sleep", "9"), name="w")
        (outcome,) = await running.workers.start(running.workers.plan(request))
        assert outcome.done
        await until(running.store.workers)
        yield running


def kept_file(home: Path) -> Path:
    (found,) = (home / ".local" / "state" / "quarterdeck" / "console").glob("nodes-*.json")
    return found


async def test_it_is_detached_and_keeps_its_workers_until_it_is_forgotten(
    runtime: Runtime, tmp_path: Path, nodes: list[MemoryNode]
) -> None:
    settings_file(tmp_path, ONE)
    await until(lambda: runtime.store.nodes["b"].state == "detached")
    (view,) = runtime.store.workers()
    assert (view.node, view.record.state, view.reachable) == ("b", "running", False)
    (outcome,) = await runtime.workers.act([view.key], "stop")
    assert (outcome.verdict, "settings" in outcome.text) == (Verdict.UNREACHABLE, True)
    with pytest.raises(UsageError, match="not a detached node"):
        await runtime.nodes.forget("a")
    await runtime.nodes.forget("b")
    assert list(runtime.store.nodes) == ["a"]
    assert nodes[1].backend.report.workers[0].state == "running", "nothing was done to it"


async def test_a_node_without_workers_just_goes(runtime: Runtime, tmp_path: Path) -> None:
    settings_file(tmp_path, "nodes: [b]\n")
    await until(lambda: list(runtime.store.nodes) == ["b"])


async def test_it_comes_back_with_its_entry(runtime: Runtime, tmp_path: Path) -> None:
    settings_file(tmp_path, ONE)
    await until(lambda: runtime.store.nodes["b"].state == "detached")
    settings_file(tmp_path, "nodes: [a, {name: b, root: /other}]\n")
    await until(lambda: runtime.store.nodes["b"].state == "up")
    assert runtime.store.workers()[0].record.state == "running"


async def test_the_next_console_lists_it_though_none_saw_it_go(
    runtime: Runtime, tmp_path: Path, nodes: list[MemoryNode]
) -> None:
    runtime._detached.note()
    file = kept_file(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for settings, state in ((BOTH, "up"), (ONE, "detached")):
        async with runtime_on(load_settings(tmp_path, settings), nodes[0]) as other:
            await told(other, "a")
            found = other.store.nodes.get("b")
            if state == "up":
                assert found is None, "it is configured: this console was just not asked for it"
                continue
            assert found is not None
            assert (found.state, found.name) == (state, "b")
            assert [view.name for view in other.store.workers()] == ["w"]
    async with runtime_on(load_settings(tmp_path, ONE), nodes[0]) as other:
        await told(other, "a")
        await other.nodes.forget("b")
    async with runtime_on(load_settings(tmp_path, ONE), nodes[0]) as other:
        await told(other, "a")
        assert "b" not in other.store.nodes


async def test_the_same_machine_under_another_name_is_not_lost(
    runtime: Runtime, tmp_path: Path, nodes: list[MemoryNode]
) -> None:
    runtime._detached.note()
    renamed = MemoryNode("c")
    renamed.serve = nodes[1].serve  # type: ignore[method-assign]
    async with runtime_on(load_settings(tmp_path, "nodes: [a, c]\n"), nodes[0], renamed) as other:
        await told(other, "c")
        assert "b" not in other.store.nodes
        assert [(view.node, view.name) for view in other.store.workers()] == [("c", "w")]


async def test_the_last_worker_takes_the_entry_with_it(
    runtime: Runtime, tmp_path: Path, nodes: list[MemoryNode]
) -> None:
    runtime._detached.note()
    assert json.loads(kept_file(tmp_path).read_text())["nodes"][0]["spec"]["name"] == "b"
    await runtime.workers.act([view.key for view in runtime.store.workers()], "stop")
    await until(lambda: not any(view.live for view in runtime.store.workers()))
    runtime._detached.note()
    assert json.loads(kept_file(tmp_path).read_text())["nodes"] == []


@pytest.mark.parametrize("text", ["", "[", "[]", '{"nodes": [3, {}]}', '{"nodes": {"a": 1}}'])
async def test_a_damaged_file_is_no_harm(
    runtime: Runtime, tmp_path: Path, nodes: list[MemoryNode], text: str
) -> None:
    runtime._detached.note()
    kept_file(tmp_path).write_text(text)
    async with runtime_on(load_settings(tmp_path, ONE), nodes[0]) as other:
        await told(other, "a")
        assert list(other.store.nodes) == ["a"]
