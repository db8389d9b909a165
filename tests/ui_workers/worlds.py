"""The console on nodes in memory, for the keys and dialogs of workers: what is asked there can be looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from console.backends.memory import Program
from console.operations.workers import StartRequest
from console.runtime import Runtime
from console.ui import app as app_module
from console.ui.app import QuarterdeckApp
from console.ui.workers.worker_list import WorkerList
from tests.backends.memory_agent import MemoryNode, load_settings, runtime_on, told
from tests.runtimes import until as eventually
from tests.ui_details.consoles import screen_text, shown, until
from workers.protocol import CommandWorker

PRESETS = """
nodes: [a, b]
presets:
  - {name: play, command: [python3, play.py, --forever], nodes: "tag:play", copies: 2, drain: true, restart: on-failure, grace: 20s, environment: {BOARD: hex8, KEY: {from_env: KEY}}}
  - {name: train, command: [python3, train.py], directory: runs, lock: {name: trainer, scope: fleet}}
"""


def programs(command: Sequence[str]) -> Program:
    """`stubborn` obeys only a kill; `say WORDS CODE` prints and ends; everything else lives."""
    if command[0] == "stubborn":
        return Program(obeys=False)
    if command[0] == "say":
        return Program(out=f"{command[1]}\n".encode(), exit_code=int(command[2]))
    return Program()


def two_nodes() -> tuple[MemoryNode, MemoryNode]:
    return MemoryNode("a", programs, gpus=2, tags=("play",)), MemoryNode("b", programs)


@asynccontextmanager
async def console(
    tmp_path: Path,
    *nodes: MemoryNode,
    settings: str = PRESETS,
    size: tuple[int, int] = (120, 40),
    read_only: bool = False,
    **wishes: Any,
) -> AsyncIterator[Pilot[Any]]:
    """The app on its own runtime, which knows what runs on the nodes; at the end nothing may have failed in it."""
    loaded = load_settings(tmp_path, settings)
    async with runtime_on(loaded, *nodes, read_only=read_only, keep=False) as runtime:
        await told(runtime, *(node.name for node in nodes))
        app = QuarterdeckApp(runtime, state_directory=tmp_path, **wishes)
        app.CSS_PATH = Path(app_module.__file__).with_name("console.tcss")  # type: ignore[misc]
        async with app.run_test(size=size, notifications=True) as pilot:
            await shown(pilot)
            yield pilot
            assert not app.failures, "\n".join([*app.failures, app.logbook.path.read_text()])


async def start(
    runtime: Runtime, *command: str, name: str = "w", node: str = "a", drain: bool = False
) -> None:
    """One more worker there, and the console has heard of it."""
    words = command or ("sleep", "9")
    plan = runtime.workers.plan(StartRequest((node,), "play" if drain else "", words, name, 1))
    (outcome,) = await runtime.workers.start(plan)
    assert outcome.done, outcome
    await eventually(lambda: any(view.key == outcome.key for view in runtime.store.workers()))


async def on_workers(pilot: Pilot[Any]) -> WorkerList:
    """The Workers screen, with the cursor on the first row."""
    await pilot.press("2")
    await until(pilot, lambda: list(pilot.app.screen.query(WorkerList)), "the Workers screen")
    await shown(pilot)
    return pilot.app.screen.query_one(WorkerList)


def states(*nodes: MemoryNode) -> dict[str, str]:
    """`w@a`: its state there."""
    return {f"{r.name}@{n.name}": r.state for n in nodes for r in n.backend.report.workers}


def acts(node: MemoryNode) -> list[str]:
    """What was asked of the workers there, in order."""
    return [message.act for message in node.asked if isinstance(message, CommandWorker)]


async def says(pilot: Pilot[Any], *wanted: str) -> str:
    """What can be read, once it holds all of these."""
    await until(
        pilot,
        lambda: all(word in screen_text(pilot) for word in wanted),
        f"{wanted} in\n{screen_text(pilot)}",
    )
    return screen_text(pilot)


async def type_into(pilot: Pilot[Any], field: str, text: str) -> None:
    """Into a field of the dialog, over what stands there."""
    entry = pilot.app.screen.query_one(field, Input)
    entry.value = text
    entry.focus()
    await pilot.pause()


def toasts(pilot: Pilot[Any]) -> str:
    return "\n".join(str(one.message) for one in pilot.app._notifications)
