"""`python -m scripts.bench_parts.simulated_console SOCKET NODES`: the console on a simulated fleet."""

from __future__ import annotations

import asyncio
import sys

from console.runtime import Runtime
from console.settings.load import load
from console.ui.app import QuarterdeckApp
from scripts.bench_parts.simulator import SocketDialer, specs


async def main(path: str, nodes: int) -> None:
    wanted = specs(nodes)
    numbers = {spec.name: number for number, spec in enumerate(wanted)}
    loaded = load(environ={})
    async with Runtime(
        loaded, wanted, dialers=lambda spec: SocketDialer(path, numbers[spec.name]), keep=False
    ) as runtime:
        await QuarterdeckApp(runtime).run_async()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
