"""`scripts/bench console [PART…]`: every promise of the console about speed and memory, in one table."""

from __future__ import annotations

import os
import platform
import sys

from scripts.bench_parts import agent_cost, console_cost, counts, launch
from scripts.bench_parts.table import Row, render

PARTS = {
    "launch": launch.run,
    "console": console_cost.run,
    "agent": agent_cost.run,
    "counts": counts.run,
}


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        print(f"no such part: {unknown[0]} (there are {', '.join(PARTS)})", file=sys.stderr)
        return 2
    rows: list[Row] = []
    for name in wanted or PARTS:
        print(f"measuring: {name} …", file=sys.stderr)
        rows += PARTS[name]()
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load at the end {load}"
    print(render(f"Quarterdeck console on {machine}", rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
