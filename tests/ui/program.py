"""The console as a program in a terminal, on a store that is fed by hand. Run: python -m tests.ui.program MODE DIR"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from console.fleet.events import ClockTicked, HeartbeatArrived, SampleArrived
from console.ui.app import QuarterdeckApp
from tests.ui.fleets import CLOCK, StandIn, many_store, sample
from tests.ui.test_hostile_text import hostile_store
from workers.protocol import Heartbeat


async def main(mode: str, directory: Path) -> int:
    store = hostile_store() if mode == "hostile" else many_store(40)
    shell = ["sh", "-c", "echo in the shell; read line; exit 3"]
    runtime = StandIn(store, nodes=SimpleNamespace(ssh_command=lambda name: shell))
    app = QuarterdeckApp(runtime, state_directory=directory)  # type: ignore[arg-type]
    feeding = asyncio.create_task(feed(store, directory / "fed"))
    try:
        return await app.run_async() or app.return_code or 0
    finally:
        feeding.cancel()


async def feed(store: object, count: Path) -> None:
    """New readings of every node, ten times a second, and a file that says how many came in."""
    number, began = 0, time.monotonic()
    while True:
        number += 1
        at = 100.0 + time.monotonic() - began
        for name in list(store.nodes):  # type: ignore[attr-defined]
            store.apply(HeartbeatArrived(name, at, Heartbeat(number, CLOCK, at), CLOCK))  # type: ignore[attr-defined]
            store.apply(SampleArrived(name, at, sample(cpu=float(number % 100))))  # type: ignore[attr-defined]
        store.apply(ClockTicked(at, CLOCK + at))  # type: ignore[attr-defined]
        count.write_text(str(number))
        if number == 5:
            print("a library prints")
            print("a library complains", file=sys.stderr)
            import os

            os.write(2, b"a C library complains\n")
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], Path(sys.argv[2]))))
