"""The demo's workers: true to the protocol, the same at the same moment, and obedient."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from console.demo import demo_runtime
from console.demo.fleet import DemoRuntime
from console.demo.machines import MACHINES
from console.demo.workers.company import DemoWorkers
from console.demo.workers.run import Moment
from console.errors import RequestFailed
from console.fleet.workers import WorkerView
from workers.protocol import (
    AGENT_MESSAGES,
    AdoptProcess,
    ClearOrphan,
    CommandWorker,
    DescribeWorker,
    FindErrors,
    FindOrphans,
    ForgetWorker,
    FrameDecoder,
    LogChunk,
    OpenTail,
    SearchLog,
    StartWorker,
    TailEnded,
    WorkerSpec,
    decode_message,
    encode_message,
)

DEADLINE_S = 20.0
EPOCH = 1_790_000_000.0


def company(name: str, t: float = 0.0) -> DemoWorkers:
    index = next(i for i, machine in enumerate(MACHINES) if machine.name == name)
    return DemoWorkers(index, lambda: Moment(t, EPOCH))


async def until(holds: Callable[[], Any], what: str) -> Any:
    for _ in range(int(DEADLINE_S / 0.05)):
        found = holds()
        if found:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"waited {DEADLINE_S:.0f} s for {what}")


async def known(runtime: DemoRuntime, node: str, name: str) -> WorkerView:
    def found() -> WorkerView | None:
        views = (view for view in runtime.store.workers_of(node) if view.reachable)
        return next((view for view in views if view.name == name), None)

    return await until(found, f"{name} on {node}")


async def ask(runtime: DemoRuntime, node: str, message: Any) -> Any:
    """The reply, once there is a link; the demo's past is there before it."""
    for _ in range(int(DEADLINE_S / 0.05)):
        try:
            return await runtime.sessions[node].request(message)
        except RequestFailed as error:
            if error.code != "not_connected":
                raise
        await asyncio.sleep(0.05)
    raise AssertionError(f"waited {DEADLINE_S:.0f} s for a link to {node}")


def test_a_moment_is_always_the_same_and_every_report_survives_the_wire() -> None:
    for machine in MACHINES:
        report = company(machine.name, 12.5).report()
        assert report == company(machine.name, 12.5).report()
        (frame,) = FrameDecoder().feed(encode_message(report))
        assert decode_message(frame.payload, AGENT_MESSAGES) == report


async def test_the_fleet_shows_each_trouble_that_a_worker_can_have() -> None:
    async with demo_runtime(frozen=True) as runtime:
        kinds = await until(
            lambda: (
                {a.kind for a in runtime.store.alerts if a.kind.startswith("worker_")}
                if all(
                    v.reachable
                    for v in runtime.store.workers()
                    if runtime.store.nodes[v.node].state == "up"
                )
                else None
            ),
            "the workers of all nodes that are up",
        )
        assert kinds == {
            "worker_slow",
            "worker_stalled",
            "worker_crash_loop",
            "worker_writer_blocked",
            "worker_lost",
            "worker_exited_badly",
            "worker_kill_pending",
            "worker_unguarded",
            "worker_warning",
        }
        unseen = [view for view in runtime.store.workers() if not view.reachable]
        assert {view.node for view in unseen} == {"vast-6"}  # whose link hangs


@pytest.mark.parametrize(
    ("act", "state", "code"),
    [("stop", "stopped", 143), ("kill", "stopped", None), ("drain", "stopped", 0), ("restart", "running", None)],
)  # fmt: skip
async def test_a_command_is_obeyed_and_the_screen_hears_of_it(
    act: str, state: str, code: int | None
) -> None:
    async with demo_runtime(3, frozen=True) as runtime:
        view = await known(runtime, "gpu-1", "selfplay-2")
        before = view.record
        await ask(runtime, "gpu-1", CommandWorker(before.run_id, act, "me@here"))

        def obeyed() -> Any:
            now = next(v for v in runtime.store.workers_of("gpu-1") if v.name == "selfplay-2")
            return now.record if now.record.sequence > before.sequence else None

        record = await until(obeyed, "the new state")
        assert (record.state, record.exit_code) == (state, code)
        assert record.attempt == before.attempt + (act == "restart")


async def test_a_worker_is_started_described_stopped_and_forgotten() -> None:
    async with demo_runtime(3, frozen=True) as runtime:
        await known(runtime, "home", "gauntlet")
        spec = WorkerSpec("f" * 32, "mine", ("python", "play.py"), gpus=1)
        reply = await ask(runtime, "home", StartWorker(spec))
        assert (await ask(runtime, "home", StartWorker(spec))).record.run_id == reply.record.run_id
        with pytest.raises(RequestFailed, match="runs already"):
            await ask(runtime, "home", StartWorker(spec._replace(run_id="e" * 32)))
        with pytest.raises(RequestFailed, match="stop it first"):
            await ask(runtime, "home", ForgetWorker(spec.run_id))
        details = await ask(runtime, "home", DescribeWorker(spec.run_id))
        assert details.spec.command == spec.command
        assert details.events
        await ask(runtime, "home", CommandWorker(spec.run_id, "stop"))
        with pytest.raises(RequestFailed, match="wanted it stopped"):
            await ask(runtime, "home", CommandWorker(spec.run_id, "restart", sequence=1))
        await ask(runtime, "home", ForgetWorker(spec.run_id))
        with pytest.raises(RequestFailed, match="no such run"):
            await ask(runtime, "home", DescribeWorker(spec.run_id))


async def test_a_log_is_read_to_its_end_and_again_from_a_byte() -> None:
    async with demo_runtime(9, frozen=True) as runtime:
        view = await known(runtime, "gpu-5", "selfplay-3")
        session, run_id = runtime.sessions["gpu-5"], view.record.run_id
        await ask(runtime, "gpu-5", DescribeWorker(run_id))
        items = [item async for item in session.tail(OpenTail(run_id, back_bytes=-1, follow=False))]
        chunks = [item for item in items if isinstance(item, LogChunk)]
        assert isinstance(items[-1], TailEnded)
        streams: dict[int, bytes] = {}
        for chunk in chunks:
            assert chunk.offset == len(streams.get(chunk.which, b""))
            streams[chunk.which] = streams.get(chunk.which, b"") + chunk.data
        assert b"Traceback (most recent call last)" in streams[1]
        assert b"\x1b[32m" in streams[0]
        last = [item async for item in session.tail(OpenTail(run_id, back_bytes=300, follow=False))]
        kept = b"".join(item.data for item in last if isinstance(item, LogChunk))
        assert b"CUDA error" in kept
        assert len(kept) < 1500


async def test_a_live_log_goes_on_and_a_search_finds_its_lines() -> None:
    async with demo_runtime(3) as runtime:
        view = await known(runtime, "gpu-1", "train")
        session, run_id = runtime.sessions["gpu-1"], view.record.run_id
        tail = session.tail(OpenTail(run_id, back_bytes=0))
        first = await asyncio.wait_for(tail.__anext__(), DEADLINE_S)
        assert isinstance(first, LogChunk)
        await tail.aclose()
        found = await ask(runtime, "gpu-1", SearchLog("loss/policy", run_id, limit=5))
        assert len(found.matches) == 5
        assert not found.complete
        assert all("loss/policy" in match.line for match in found.matches)
        groups = (await ask(runtime, "gpu-1", FindErrors(run_id))).groups
        assert "nan" in {group.kind for group in groups}


async def test_orphans_are_adopted_or_cleared() -> None:
    async with demo_runtime(6, frozen=True) as runtime:
        await known(runtime, "gpu-4", "train")
        found = {o.kind: o for o in (await ask(runtime, "gpu-4", FindOrphans())).orphans}
        process = found["unrecorded"]
        assert process.pid is not None
        assert process.start_ticks is not None
        reply = await ask(
            runtime, "gpu-4", AdoptProcess("d" * 32, process.pid, process.start_ticks, "square19")
        )
        assert "adopted" in reply.record.flags
        await ask(runtime, "gpu-4", ClearOrphan(found["stale_lock"].orphan_id, "clear"))
        assert not (await ask(runtime, "gpu-4", FindOrphans())).orphans
        view = await known(runtime, "gpu-4", "square19")
        assert view.live
