"""The jobs of the scripted fleet when the demo begins: one runs, one waits, and some are over."""

from __future__ import annotations

from functools import lru_cache

from console.demo.machines import machine
from console.demo.workers.cast import DAY_S, HOUR_S, MINUTE_S, Course, Role
from console.demo.workers.legs import Leg, legs
from workers.protocol import WorkerSpec

SOURCES = ("gpu-1", "gpu-2", "gpu-4", "gpu-5", "lambda-1", "lambda-2", "lambda-3", "vast-1", "vast-2",
           "vast-5", "cpu-1", "cpu-2", "cpu-3")  # fmt: skip
REFUSED = {"vast-5": "cannot be reached: 203.0.113.77:22 refused the connection; try 3 of 3"}
_GB = 10**9
_STARTED_EACH = 2.0 * _GB  # a node, in a job that is started in the demo


@lru_cache(maxsize=64)
def jobs(index: int) -> tuple[Role, ...]:
    """Those of one machine, the newest first."""
    return _JOBS.get(machine(index).name, ())


def job_role(spec: WorkerSpec) -> Role:
    """How a job that is started in the demo goes: to each of its nodes, which its tags name."""
    kind, *sources = spec.tags or ("job",)
    return Role(
        name=spec.name, preset="", command=spec.command, kind="job", unit="file", phase=kind, cpu_percent=38.0,
        processes=4, restart="asked", tags=spec.tags,
        legs=legs(tuple(sources) or ("home",), _STARTED_EACH),
    )  # fmt: skip


def _job(
    name: str, kind: str, course: Course, age_s: float, since_s: float = 0.0, **more: object
) -> Role:
    role = Role(
        name=name, preset="", command=("python", "-m", "workers.jobs", kind), course=course, kind="job",
        unit="file", phase=kind, age_s=age_s, since_s=since_s, restart="asked", cpu_percent=38.0,
        memory_bytes=90 * 1024**2, processes=4, tags=(kind,),
        pid=52_000 + int(age_s) % 7_000,
    )  # fmt: skip
    return role._replace(**more)  # type: ignore[arg-type]


def _synced(each: float, **faults: str) -> tuple[Leg, ...]:
    return legs(SOURCES, each, faults={**REFUSED, **faults})


_OLDER = _synced(
    14.0 * _GB, **{"vast-2": "rsync: connection reset after 3.1 GB; what arrived is kept"}
)
_JOBS: dict[str, tuple[Role, ...]] = {
    "home": (
        _job("sync", "sync", Course.WELL, 11 * MINUTE_S, legs=_synced(18.0 * _GB), singleton="data-nas"),
        _job("aggregate-all", "aggregate", Course.WELL, 4 * MINUTE_S, phase="waiting", singleton="data-nas",
             says="waits for data-nas, which sync holds", cpu_percent=0.0, processes=1),
        _job("aggregate", "aggregate", Course.DONE, 49 * MINUTE_S, 41 * MINUTE_S, unit="record",
             legs=legs(SOURCES[:9], 4.0 * _GB, "record"), says="generation 17: 1,204,118 records, 3,310 seen before"),
        _job("sync", "sync", Course.PARTIAL, 71 * MINUTE_S, 52 * MINUTE_S, phase="partial", legs=_OLDER,
             says="2 of 13 nodes are not done: vast-2, vast-5"),
        _job("update-code", "update_code", Course.STOPPED, 5.2 * HOUR_S, 5.1 * HOUR_S,
             command=("python", "-m", "console.conduct", "update_code"), legs=legs(SOURCES[:4], 0.01 * _GB, "commit")),
        _job("sync", "sync", Course.DONE, 2.3 * HOUR_S, 2.1 * HOUR_S, legs=legs(SOURCES[:9], 6.0 * _GB)),
    ),
    "nas": (
        _job("backup", "backup", Course.REFUSED, 65 * MINUTE_S, 62 * MINUTE_S,
             says="s3:quarterdeck-backup answered AccessDenied: the access key is expired"),
        _job("backup", "backup", Course.DONE, 2.2 * HOUR_S, 2.1 * HOUR_S, legs=legs(("nas",), 61.0 * _GB),
             says="generation 16, 61 GB, each file's checksum compared"),
        _job("prune", "prune", Course.DONE, DAY_S, DAY_S - 40.0, legs=legs(SOURCES[:3], 9.0 * _GB),
             says="freed 26 GB of records that are aggregated and backed up"),
    ),
}  # fmt: skip
