"""A scripted fleet on memory channels: for `--demo`, screenshots, snapshots and benchmarks.

Everything but the machines is real: sessions, protocol, store, operations. Nothing leaves this process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.demo.fleet import DemoRuntime
    from console.sessions.clock import Clock


def demo_runtime(
    nodes: int = 24, *, clock: Clock | None = None, frozen: bool = False, read_only: bool = False
) -> DemoRuntime:
    """A runtime on `nodes` scripted machines, the first 24 with all kinds of trouble.

    `frozen`: time stands still, so that each picture is the same.
    """
    from console.demo.fleet import DemoRuntime, specs
    from console.demo.time import DemoTime, FrozenClock
    from console.sessions.clock import SYSTEM_CLOCK

    chosen = FrozenClock() if frozen else clock or SYSTEM_CLOCK
    return DemoRuntime(specs(nodes), DemoTime(chosen), read_only=read_only)


__all__ = ["demo_runtime"]
