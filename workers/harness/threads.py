"""How many threads a worker should compute with: numeric libraries take all cores, and so does their neighbour."""

import math
import os
from collections.abc import Mapping
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def cpu_threads(
    local_workers: int | None = None,
    environ: Mapping[str, str] | None = None,
    cgroup: Path | None = None,
) -> int:
    """At least 1. What ``OMP_NUM_THREADS`` says; else the cores we may use, by affinity and by quota, shared
    evenly by ``local_workers`` (1 where not told)."""
    told = (os.environ if environ is None else environ).get("OMP_NUM_THREADS", "")
    if told.isdigit() and int(told) > 0:
        return int(told)
    cores = float(len(os.sched_getaffinity(0)))
    quota = _quota(cgroup or _own_cgroup())
    if quota is not None:
        cores = min(cores, quota)
    return max(1, math.floor(cores / max(1, local_workers or 1)))


def _own_cgroup() -> Path:
    """Of cgroup v2; its root where this machine has none."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return _CGROUP
    own = next((line[3:] for line in lines if line.startswith("0::")), "/")
    return _CGROUP / own.lstrip("/")


def _quota(folder: Path) -> float | None:
    """Cores: the smallest quota on the way up; None where there is none."""
    found = []
    for place in (folder, *folder.parents):
        try:
            limit, period = (place / "cpu.max").read_text().split()
            found.append(int(limit) / int(period))
        except (OSError, ValueError):  # no such file here, or "max"
            continue
    return min(found, default=None)
