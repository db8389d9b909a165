"""Ad-hoc commands on several nodes: what each said, how each ended, and what is left there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from console.backends.memory import Program
from console.errors import Refused, UsageError
from console.operations.workers import Verdict
from console.runtime import Runtime
from tests.backends.memory_agent import MemoryNode, load_settings, runtime_on, told
from tests.runtimes import until


def programs(command: Sequence[str]) -> Program:
    if command[0] == "say":
        return Program(b"out \x1b[31mred\x1b]52;c;x\x07\n", b"err\n", int(command[1]))
    return Program()


@pytest.fixture
def nodes() -> list[MemoryNode]:
    return [MemoryNode(name, programs, tags=("t",)) for name in ("a", "b")]


@pytest.fixture
async def runtime(tmp_path: Path, nodes: list[MemoryNode]):  # type: ignore[no-untyped-def]
    async with runtime_on(load_settings(tmp_path, "nodes: [a, b]\n"), *nodes) as running:
        await told(running, "a", "b")
        yield running


async def test_each_node_says_its_own_and_keeps_nothing(
    runtime: Runtime, nodes: list[MemoryNode]
) -> None:
    run = runtime.commands.begin(["tag:t"], ["say", "0"])
    results = await run.wait()
    assert [(r.node, r.verdict, r.words, r.exit_code) for r in results] == [
        ("a", Verdict.DONE, "exited 0", 0),
        ("b", Verdict.DONE, "exited 0", 0),
    ]
    assert sorted(results[0].output().splitlines()) == [b"err", b"out \x1b[31mred\x1b]52;c;x\x07"]
    assert results[0].output(1) == b"err\n"
    assert not any("\x1b" in line or "\x07" in line for line in results[0].lines)
    assert [node.backend.report.workers for node in nodes] == [(), ()]
    assert runtime.audit.tail()[0].result == "exited 0"


async def test_a_failure_is_one_nodes_own(runtime: Runtime, nodes: list[MemoryNode]) -> None:
    nodes[0].refuse_links = True
    await nodes[0].cut()
    await until(lambda: runtime.store.nodes["a"].lost is not None)
    a, b = await runtime.commands.begin(["a", "b"], ["say", "7"]).wait()
    assert (a.verdict, "nothing was sent" in a.words) == (Verdict.UNREACHABLE, True)
    assert (b.verdict, b.exit_code) == (Verdict.FAILED, 7)


async def test_one_that_takes_too_long_is_stopped(
    runtime: Runtime, nodes: list[MemoryNode]
) -> None:
    (result,) = await runtime.commands.begin(["a"], ["sleep"], timeout_s=0.2).wait()
    assert (result.verdict, "stopped after" in result.words) == (Verdict.FAILED, True)
    assert not nodes[0].backend.report.workers


async def test_a_person_stops_it(runtime: Runtime) -> None:
    run = runtime.commands.begin(["a"], ["sleep"])
    await until(lambda: run.results[0].step == "running")
    run.stop()
    (result,) = await run.wait()
    assert result.verdict is Verdict.FAILED
    assert run.over


async def test_it_goes_on_when_the_console_goes(
    runtime: Runtime, nodes: list[MemoryNode], tmp_path: Path
) -> None:
    loaded = load_settings(tmp_path / "other", "nodes: [a, b]\n")
    async with runtime_on(loaded, *nodes) as other:
        await told(other, "a")
        run = other.commands.begin(["a"], ["sleep"])
        await until(lambda: run.results[0].step == "running")
    (record,) = nodes[0].backend.report.workers
    assert (record.state, record.kind) == ("running", "command")


async def test_a_node_that_stays_away_leaves_it_unknown(
    runtime: Runtime, nodes: list[MemoryNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.operations.commands.AWAY_S", 0.1)
    run = runtime.commands.begin(["a"], ["sleep"])
    await until(lambda: run.results[0].step == "running")
    await runtime.remove_node("a")
    (result,) = await run.wait()
    assert result.verdict is Verdict.UNKNOWN
    assert nodes[0].backend.report.workers[0].state == "running"


async def test_what_cannot_be_meant(runtime: Runtime) -> None:
    with pytest.raises(UsageError, match="which nodes"):
        runtime.commands.begin([], ["say", "0"])
    with pytest.raises(UsageError, match="no node named c"):
        runtime.commands.begin(["c"], ["say", "0"])


async def test_read_only_runs_nothing(tmp_path: Path, nodes: list[MemoryNode]) -> None:
    loaded = load_settings(tmp_path, "nodes: [a, b]\nread_only: true\n")
    async with runtime_on(loaded, *nodes) as watching:
        await told(watching, "a")
        with pytest.raises(Refused, match="read-only"):
            watching.commands.begin(["a"], ["say", "0"])
    assert nodes[0].asked == []
