"""Workers on nodes, their logs in memory, and the app on the Logs screen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from console.fleet.events import WorkersArrived
from console.fleet.store import FleetStore
from console.ui import app as app_module
from console.ui import registry
from console.ui.app import QuarterdeckApp
from console.ui.logs.pane import LogPane
from tests.ui.fleets import CLOCK, StandIn, fed, node_up
from tests.ui_logs.feeds import MemoryFeed
from workers.protocol import WorkerRecord, WorkerReport

COLOURED = b"\x1b[32m2026-09-21 14:13:%02d,120\x1b[0m \x1b[1mINFO\x1b[0m  step %d loss \x1b[33m%s\x1b[0m games/s 1,204\n"


def store_with(workers: Sequence[tuple[str, str]]) -> FleetStore:
    """Nodes with these (node, name) workers; a worker's run id is run-NAME."""
    store = fed([])
    nodes = dict.fromkeys(node for node, _ in workers)
    for node in nodes:
        for event in node_up(node):
            store.apply(event)
        records = tuple(
            WorkerRecord(
                f"run-{name}", name, "running", pid=77, log_bytes=12_000_000, log_age_s=0.4
            )
            for at, name in workers
            if at == node
        )
        store.apply(WorkersArrived(node, 100.0, WorkerReport(CLOCK, records)))
    return store


class LogConsole(QuarterdeckApp):
    """Opens on the logs of these workers."""

    CSS_PATH = Path(app_module.__file__).with_name("console.tcss")

    def __init__(
        self, workers: Sequence[tuple[str, str]], feed: MemoryFeed, directory: Path, **wishes: Any
    ) -> None:
        store = store_with(workers)
        runtime: Any = StandIn(store)
        runtime.logs = feed
        super().__init__(runtime, state_directory=directory, **wishes)
        self.feed = feed

    @property
    def pane(self) -> LogPane:
        return self.screen.query_one(LogPane)

    async def open_logs_of(self, workers: Sequence[tuple[str, str]]) -> None:
        await self.push_screen(
            registry.LOGS.make(tuple((node, f"run-{name}") for node, name in workers))
        )


@asynccontextmanager
async def opened(
    workers: Sequence[tuple[str, str]],
    feed: MemoryFeed,
    directory: Path,
    size: tuple[int, int] = (120, 30),
    **wishes: Any,
) -> AsyncIterator[Pilot[int]]:
    """The Logs screen on all of these workers; at the end nothing may have failed, and no tail is open."""
    app = LogConsole(workers, feed, directory, **wishes)
    async with app.run_test(size=size, notifications=True) as pilot:
        await app.open_logs_of(workers)
        await pilot.pause(0.1)
        yield pilot
        assert not app.failures, "\n".join([*app.failures, app.logbook.path.read_text()])
    assert feed.open == 0


def training(feed: MemoryFeed, node: str, name: str, lines: int = 60, first: int = 0) -> None:
    """A log like that of a training run: colours, a warning, a traceback, a progress bar under way."""
    log = feed.log(node, f"run-{name}")
    for number in range(first, first + lines):
        clock = CLOCK - lines + number
        log.write(COLOURED % (number % 60, number, b"0.%03d" % (900 - number)), clock)
        if number % 20 == 7:
            log.write(b"UserWarning: lr_scheduler.step() before optimizer.step()\n", clock, which=1)
    log.write(
        b"Traceback (most recent call last):\n"
        b'  File "/home/u/run/train.py", line 31, in step\n'
        b"    raise ValueError(shard)\n"
        b"ValueError: bad shard 17\n",
        CLOCK - 1,
    )
    log.write("epoch 5  37 %|███▋      | 37/100 [00:12<00:20]\repoch 5  38 %|███▊      | 38/100 [00:12<00:20]".encode(), CLOCK, which=1)  # fmt: skip
