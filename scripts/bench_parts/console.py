"""`scripts/bench console [PART…]`: every promise of the console about speed and memory, in one table."""

from __future__ import annotations

import sys

from scripts.bench_parts import agent_cost, console_cost, counts, launch
from scripts.bench_parts.table import main

PARTS = {
    "launch": launch.run,
    "console": console_cost.run,
    "agent": agent_cost.run,
    "counts": counts.run,
}


if __name__ == "__main__":
    sys.exit(main("console", PARTS, sys.argv[1:]))
