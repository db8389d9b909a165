"""What the worker benchmarks run on: this machine, or one SSH host in namespaces, with a state of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from console.operations.workers import StartRequest, Verdict
from console.runtime import Runtime
from console.settings.load import load

PATIENCE_S = 60.0


@asynccontextmanager
async def opened(folder: Path, settings: Path | None = None) -> AsyncIterator[Runtime]:
    """A console without a screen whose nodes are all up and have said what runs there.

    All workers are killed at its end. `folder` becomes HOME and the state directory's parent.
    """
    os.environ["HOME"] = str(folder)
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    loaded = load(config=settings)
    async with Runtime(loaded, loaded.specs()) as runtime:
        await until(lambda: all(node.workers is not None for node in runtime.store.nodes.values()))
        try:
            yield runtime
        finally:
            await asyncio.sleep(2)  # what was started last may not be reported yet
            live = [view.key for view in runtime.store.workers() if view.live]
            await runtime.workers.act(live, "kill")
            await until(lambda: not any(view.live for view in runtime.store.workers()))


async def until(holds: Callable[[], bool]) -> None:
    """Polls; raises TimeoutError after PATIENCE_S."""
    for _ in range(int(PATIENCE_S / 0.01)):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("the benchmark's workers did not get there")


async def start(runtime: Runtime, name: str, *command: str, copies: int = 1) -> list[str]:
    """Starts copies of a command on the only node; their run ids. Raises RuntimeError."""
    request = StartRequest(command=command, name=name, copies=copies)
    outcomes = await runtime.workers.start(runtime.workers.plan(request))
    bad = [f"{one.name}: {one.text}" for one in outcomes if one.verdict is not Verdict.DONE]
    if bad:
        raise RuntimeError("; ".join(bad[:3]))
    return [one.run_id for one in outcomes]
