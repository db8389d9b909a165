"""`scripts/bench data [PART…]`: what moving, merging and mirroring data costs beside doing it by hand."""

from __future__ import annotations

import sys

from scripts.bench_parts import data_aggregate, data_native, data_sync
from scripts.bench_parts.table import main

PARTS = {"sync": data_sync.run, "aggregate": data_aggregate.run, "native": data_native.run}

if __name__ == "__main__":
    sys.exit(main("data", PARTS, sys.argv[1:]))
