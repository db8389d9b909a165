"""`scripts/bench workers [PART…]`: every promise about workers and their logs, in one table."""

from __future__ import annotations

import sys

from scripts.bench_parts import worker_logs, worker_rest, worker_start
from scripts.bench_parts.table import main

PARTS = {"start": worker_start.run, "rest": worker_rest.run, "logs": worker_logs.run}

if __name__ == "__main__":
    sys.exit(main("workers", PARTS, sys.argv[1:]))
