"""A merge as a process that may be killed at any call: ``python -m tests.jobs_aggregate.child D``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.jobs_aggregate.world import World
from workers.harness import WorkerError

if __name__ == "__main__":
    world = World(Path(sys.argv[1]))
    world.options = {"generation_bytes": int(sys.argv[2]), "part_bytes": 1}
    try:
        world.merge_raw()
    except WorkerError as error:
        sys.exit(error.code)
